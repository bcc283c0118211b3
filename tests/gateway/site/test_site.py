"""What a site's file may say, and what the rules make of a study."""

from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pytest

from base.errors import SettingInvalid
from gateway.site.deciding import StudyFacts, decide
from gateway.site.file import SiteFile, parse_site
from gateway.site.parts import Caller, Site
from gateway.site.permitting import who_opens

FACTS = StudyFacts(("MR1",), ("MR",), ("Pelvis rectum", "t2_tse_tra"), ("SCANNER3",), datetime(2026, 11, 30, 22, 30))
RULES = """
[[destination]]
name = "pacs"
host = "127.0.0.1"
port = 104
ae_title = "PACS"

[[rule]]
name = "other-scanner"
calling_ae = ["CT*"]

[[rule]]
name = "daytime"
hours = "07:00-19:00"

[[rule]]
name = "rectal"
calling_ae = ["mr?"]
description = ["*RECT*"]
hours = "19:00-07:00"
deliver = [{ to = "pacs", objects = ["report"] }]

[[rule]]
name = "rest"
action = "ignore"
"""


def test_the_first_rule_that_matches_decides_and_the_others_say_why_not() -> None:
    decision = decide(parse_site(RULES.encode()), FACTS)
    assert decision.rule is not None
    assert decision.rule.name == "rectal"
    assert decision.explanation == (
        "other-scanner: no calling_ae among CT*",
        "daytime: complete at 22:30, not in 07:00-19:00",
        "rectal: matches",
    )


def test_without_a_rule_nothing_is_analysed() -> None:
    decision = decide(parse_site(b""), FACTS)
    assert not decision.analyses
    assert decision.reason.startswith("no rule matches")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[rule]]", "also 'name'"),
        ('[[rule]]\nname = "a b"', "1 to 32 letters, digits, _ and -"),
        ('[[rule]]\nname = "a"\naction = "send"', "analyse or ignore"),
        ('[[rule]]\nname = "a"\nhours = "7-19"', "HH:MM-HH:MM"),
        ('[[rule]]\nname = "a"\nmodality = "MR"', "a list"),
        ('[[rule]]\nname = "a"\ndeliver = [{ to = "pacs" }]', "a destination (there is none)"),
        ('[[rule]]\nname = "a"\n[[rule]]\nname = "a"', "a name of its own for each"),
        (
            '[[rule]]\nname = "a"\ndeliver = [{ to = "pacs", objects = ["pdf"] }]',
            "report, segmentation, captures, key_objects, document, structure_set, or a SOP Class UID",
        ),
        ('[[destination]]\nname = "p"\nhost = "h"\nport = 0\nae_title = "A"', "1 to 65535"),
        ('[[destination]]\nname = "p"\nurl = "http://h"', "query or none for a url"),
        ('[[engine]]\naddress = "engine"', "host:port"),
        ('[[caller]]\nae_title = "A\\\\B"', "1 to 16 characters of ASCII without a backslash"),
        ('[[caller]]\nae_title = ""', "ae_title, certificate or token_sha256, or an address of this machine"),
        ('[[caller]]\nae_title = "A"\nmay = []', "one or more of store, query, fetch, act"),
        ('[[caller]]\nae_title = "A"\nmay = ["read"]', "store or query or fetch or act"),
        (
            '[[caller]]\ntoken_sha256 = "secret"',
            "caller.token_sha256 is '6 characters'; allowed: 64 hexadecimal digits",
        ),
        ('[[caller]]\nae_title = "A"\naddress = "10.0.0.300"', "an IP address, or a network such as 10.1.0.0/16"),
        ("rule = 1", "[[rule]] tables"),
        ("[[rule]\n", "valid TOML"),
        ("[[rools]]\n", "rule"),
    ],
)
def test_what_is_not_allowed_is_told_with_what_is(text: str, said: str) -> None:
    with pytest.raises(SettingInvalid) as error:
        parse_site(text.encode())
    assert said in str(error.value)


def test_a_changed_file_is_taken_up_and_a_bad_one_is_not(tmp_path: Path) -> None:
    """CASES 22: a rule that was deleted fires no more, and every version has a name."""
    file = tmp_path / "site.toml"
    file.write_text(RULES)
    site = SiteFile(file)
    first = site.site
    assert not site.look()
    file.write_text("[[rule]]\n")
    assert not site.look()
    assert site.site is first
    assert site.fault is not None
    file.write_text('[[rule]]\nname = "new"\n')
    assert site.look()
    assert [each.name for each in site.site.rules] == ["new"]
    assert site.site.version != first.version
    file.unlink()
    assert not site.look()
    assert [each.name for each in site.site.rules] == ["new"]


def test_a_caller_is_known_by_title_and_address() -> None:
    caller = Caller("MR1", "10.1.0.0/16")
    assert caller.opens("MR1", "10.1.2.3", ())
    assert not caller.opens("MR1", "10.2.2.3", ())
    assert not caller.opens("MR2", "10.1.2.3", ())
    assert Caller("MR1").opens("MR1", "fe80::1", ())


def test_a_caller_of_other_protocols_shows_what_it_is_known_by() -> None:
    token = Caller(token_sha256=sha256(b"secret").hexdigest())
    assert token.calls("10.1.2.3", (), "secret")
    assert not token.calls("10.1.2.3", (), "other")
    shown = Caller(certificate="ris.example", address="10.1.0.0/16")
    assert shown.calls("10.1.2.3", ("ris", "ris.example"), "")
    assert not shown.calls("10.1.2.3", (), "")
    assert not shown.calls("10.2.2.3", ("ris.example",), "")
    # An AE title proves nothing where none is shown.
    assert not Caller("MR1").calls("10.1.2.3", (), "")
    assert Caller("MR1", certificate="mr1.example").opens("MR1", "10.1.2.3", ("mr1.example",))
    assert not Caller("MR1", certificate="mr1.example").opens("MR1", "10.1.2.3", ())
    assert Caller(address="127.0.0.1").calls("127.0.0.1", (), "")


def test_what_several_entries_let_a_caller_do_adds_up() -> None:
    site = Site(callers=(Caller("MR1"), Caller("MR1", may=("query",)), Caller("MR2", may=("act",))))
    known = who_opens(site, "MR1", "10.1.2.3", ())
    assert known is not None
    assert known.may == {"store", "query"}
    assert who_opens(site, "MR3", "10.1.2.3", ()) is None
