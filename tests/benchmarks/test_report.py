from benchmarks.report import markdown
from benchmarks.scoring import CaseScore, FoundNodeScore, TrueNodeScore, summarise


def test_the_table_shows_every_figure_with_counts_interval_and_aim() -> None:
    true = TrueNodeScore(1, 8.0, "left", "obturator", "positive", 1, 0.6)
    found = FoundNodeScore(1, 7.5, "left", "obturator", "positive", 0.9, 1)
    report = {
        "command": "python -m benchmarks.evaluate_model",
        "seeds": "0-1",
        "generator_version": 1,
        "minimum_iou": 0.2,
        "model": {"name": "demo", "version": "1", "digest": "sha256:00", "mode": "exact", "backend": "openvino"},
        "machine": {"processor": "cpu", "cores": 2, "memory_gib": 4.0, "python": "3.11.2"},
        "summary": summarise([CaseScore(0, True, "positive", (), (true,), (found,), 1.0)]),
    }
    text = markdown(report)
    # One of one: Wilson's lower limit is 1 / (1 + 1.96^2) = 0.2065.
    assert "| node sensitivity, >= 7 mm | 1.00 (1/1; 0.21-1.00) |  |" in text
    assert "| node sensitivity, >= 5 mm | 1.00 (1/1; 0.21-1.00) | >= 0.85 |" in text
    assert "| node sensitivity, < 5 mm | no cases |  |" in text
    assert "| patient specificity | no cases | >= 0.80 |" in text
    assert (
        "| short axis of matched nodes, mean absolute error | 0.50 mm (mean -0.50, largest 0.50) | <= 1.0 mm |" in text
    )
    assert "Synthetic images only" in text


def test_a_report_without_a_matched_node_says_so() -> None:
    report = {
        "command": "",
        "seeds": "0",
        "generator_version": 1,
        "minimum_iou": 0.2,
        "model": {"name": "demo", "version": "1", "digest": "sha256:00", "mode": "exact", "backend": "openvino"},
        "machine": {"processor": "cpu", "cores": 2, "memory_gib": 4.0, "python": "3.11.2"},
        "summary": summarise([CaseScore(0, False, "negative", (), (), (), 1.0)]),
    }
    assert "no matched node" in markdown(report)
