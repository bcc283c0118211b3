from benchmarks.report_speed import markdown


def test_every_study_has_a_row_and_the_machine_is_named() -> None:
    row = {
        "study": "example:100000",
        "patients": 100_000,
        "numbers": 680,
        "processor_s": 151.4,
        "elapsed_s": 412.0,
        "peak_mb": 1830,
    }
    machine = {"processor": "a processor", "cores": 2, "memory_gib": 8.0, "python": "3.11.2"}
    text = markdown({"command": "python -m x", "machine": machine, "reports": [row | {"html_mb": 4.1, "pdf_mb": 4.6}]})
    assert "| example | 100,000 | 680 | 151 s | 412 s | 1,830 MB | 4.1 MB | 4.6 MB |" in text
    assert "Measured on a processor, 2 cores, 8.0 GiB, Python 3.11.2, by `python -m x`." in text
