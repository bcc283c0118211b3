"""The tables of the ledger; times are s since 1970, and every later version only adds (see `migrating`)."""

from typing import Final

from sqlalchemy import BigInteger, Column, Float, Index, Integer, MetaData, Table, Text, UniqueConstraint

metadata: Final = MetaData()

meta: Final = Table("meta", metadata, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))
"""The version of the schema (`schema`)."""

studies: Final = Table(
    "studies",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("study_uid", Text, nullable=False),
    # 1, 2, ...: instances that come once the study is being analysed open the next one, which supersedes.
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
    # Why it is in that state; no patient data.
    Column("reason", Text, nullable=False),
    Column("since", Float, nullable=False),
    Column("first_at", Float, nullable=False),
    # When the last instance came that it is to be analysed with.
    Column("last_at", Float, nullable=False),
    # 0 urgent, 1 routine.
    Column("priority", Integer, nullable=False, default=1),
    # Whom it is about, to compare and to look up by; emptied when its term is over.
    Column("patient_id", Text, nullable=False, default=""),
    Column("issuer", Text, nullable=False, default=""),
    Column("birth_date", Text, nullable=False, default=""),
    Column("sex", Text, nullable=False, default=""),
    Column("accession", Text, nullable=False, default=""),
    # JSON: what the rules said when it was complete.
    Column("decision", Text, nullable=False, default="{}"),
    Column("series_uid", Text, nullable=False, default=""),
    # ISO 8601, fixed at the first attempt: a repeat with it gives the same bytes.
    Column("analysed_at", Text, nullable=False, default=""),
    Column("engine", Text, nullable=False, default=""),
    # JSON: what of the answer decides about its delivery.
    Column("answer", Text, nullable=False, default="{}"),
    Column("attempts", Integer, nullable=False, default=0),
    Column("next_at", Float, nullable=False, default=0.0),
    Column("lease_owner", Text, nullable=False, default=""),
    Column("lease_until", Float, nullable=False, default=0.0),
    # When spool and case folder of it were removed; 0 while they are there.
    Column("spool_removed_at", Float, nullable=False, default=0.0),
    Column("case_removed_at", Float, nullable=False, default=0.0),
    UniqueConstraint("study_uid", "revision"),
    Index("studies_by_state", "state", "next_at"),
    Index("studies_by_accession", "accession"),
    Index("studies_by_patient", "patient_id"),
)

instances: Final = Table(
    "instances",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("study_uid", Text, nullable=False),
    Column("series_uid", Text, nullable=False),
    Column("sop_uid", Text, nullable=False),
    Column("sop_class", Text, nullable=False),
    # Of the study in which it came first.
    Column("revision", Integer, nullable=False),
    # image, other, own, or quarantined.
    Column("role", Text, nullable=False),
    # SHA-256 of the dataset, without the file's meta information.
    Column("digest", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    # Below the spool's root; empty when it was not kept, or is removed.
    Column("path", Text, nullable=False),
    # JSON: what the rules look at.
    Column("facts", Text, nullable=False),
    Column("received_at", Float, nullable=False),
    UniqueConstraint("study_uid", "series_uid", "sop_uid", "digest"),
    Index("instances_by_sop", "sop_uid"),
    Index("instances_by_path", "path"),
)

deliveries: Final = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("study_id", Integer, nullable=False),
    Column("destination", Text, nullable=False),
    # Below the case folder, such as report.dcm.
    Column("name", Text, nullable=False),
    Column("sop_uid", Text, nullable=False),
    Column("sop_class", Text, nullable=False),
    Column("transfer_syntax", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", Float, nullable=False),
    Column("priority", Integer, nullable=False, default=1),
    Column("attempts", Integer, nullable=False, default=0),
    # How often it was, or may have been, on the wire.
    Column("sends", Integer, nullable=False, default=0),
    Column("next_at", Float, nullable=False, default=0.0),
    Column("first_at", Float, nullable=False, default=0.0),
    Column("lease_owner", Text, nullable=False, default=""),
    Column("lease_until", Float, nullable=False, default=0.0),
    # Under which it is being asked for; empty when it is not.
    Column("transaction_uid", Text, nullable=False, default=""),
    UniqueConstraint("study_id", "destination", "sop_uid"),
    Index("deliveries_by_queue", "destination", "state", "next_at"),
)

commitments: Final = Table(
    "commitments",
    metadata,
    Column("transaction_uid", Text, primary_key=True),
    Column("destination", Text, nullable=False),
    Column("study_id", Integer, nullable=False),
    # asked, answered, or late.
    Column("state", Text, nullable=False),
    Column("asked_at", Float, nullable=False),
    Column("deadline_at", Float, nullable=False),
    Index("commitments_by_state", "state", "deadline_at"),
)

history: Final = Table(
    "history",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    # study:ID, delivery:ID, or fetch:ID of who fetched the results of a study.
    Column("subject", Text, nullable=False),
    Column("was", Text, nullable=False),
    Column("becomes", Text, nullable=False),
    Column("reason", Text, nullable=False),
    # SHA-256 over the entry before and this one.
    Column("digest", Text, nullable=False),
    Index("history_by_subject", "subject"),
)
"""Every change of a state, in one chain: an entry that is altered or taken out breaks all digests after it."""
