"""Options and arguments that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from base.environment import PROXY_VARIABLE

StudyArgument = Annotated[
    Path,
    typer.Argument(
        exists=True,
        metavar="STUDY",
        help="A directory, a zip file or one file with the DICOM instances of one series or of a whole study, of which "
        "the series that fits best is taken; or a NIfTI or NRRD image.",
    ),
]
SeriesArgument = Annotated[
    Path,
    typer.Argument(
        exists=True,
        metavar="SERIES",
        help="A directory, a zip file or one file with the DICOM instances of one series, or a NIfTI or NRRD image; of "
        "several the server refuses to choose, unless --study or --series-uid asks it to.",
    ),
]
OutOption = Annotated[Path, typer.Option("--out", "-o", help="Where the results go: findings.json, DICOM, key images.")]
LabelMapOption = Annotated[
    Path | None,
    typer.Option(help="Also write stations and nodes as a label map: a name that ends in .nii, .nii.gz or .nrrd."),
]
BundleOption = Annotated[
    str | None,
    typer.Option(
        "--bundle", "-b", help="Directory of the model bundle, or oci:HOST/NAME with :TAG or @sha256:DIGEST to pull it."
    ),
]
JobsOption = Annotated[
    str | None,
    typer.Option(
        metavar="NUMBER",
        help="Many cases, by that many processes which share the threads: STUDY is a folder with one folder, .zip, "
        ".nii, .nii.gz or .nrrd file per case, or a list of inputs (.csv with a column `input`, .txt with one a line).",
    ),
]
BackendOption = Annotated[str | None, typer.Option(help="Inference backend by name; default: the best one present.")]
ModeOption = Annotated[str | None, typer.Option(help="exact (reference) or fast.")]
# Text, so that what is no number is refused as everywhere else: in one line, with the setting and what is allowed.
ThreadsOption = Annotated[
    str | None, typer.Option(metavar="NUMBER", help="CPU threads; default: all that may be used.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Any other setting by its name in docs/settings.md; may be given again."
    ),
]
EngineCacheOption = Annotated[
    Path | None, typer.Option(help="Folder that keeps compiled folds; default: sidewall/engines in the user's cache.")
]
ConfigOption = Annotated[Path | None, typer.Option("--config", "-c", help="TOML file with settings.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else to the standard output.")]
SeriesUidOption = Annotated[
    str | None, typer.Option(help="SeriesInstanceUID of the series to analyse, instead of the one that fits best.")
]
WholeStudyOption = Annotated[
    bool, typer.Option("--study", help="Send a whole study, of which the server analyses the series that fits best.")
]
UrgentOption = Annotated[bool, typer.Option("--urgent", help="Go before the routine cases that wait at the server.")]
PriorOption = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="findings.json of an earlier study: its nodes are looked for."),
]
PriorImagesOption = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        help="Images of an earlier study, as STUDY: they are analysed anew, so that like is compared with like, and "
        "drawn beside these.",
    ),
]
TimePointOption = Annotated[str, typer.Option(help="baseline, restaging or unknown.")]
CaseIdOption = Annotated[str | None, typer.Option(help="Your own name for the case; default: a pseudonym.")]

ServerOption = Annotated[str | None, typer.Option("--server", "-s", help="host:port of the server.")]
ProxyOption = Annotated[
    str | None,
    typer.Option(
        "--proxy",
        envvar=PROXY_VARIABLE,
        help="HTTP proxy on the way to the server, http://host:port; default: none, whatever http_proxy says.",
    ),
]
TlsOption = Annotated[bool, typer.Option("--tls", help="Encrypt, with the usual certificate authorities.")]
TlsCaOption = Annotated[Path | None, typer.Option(help="Encrypt; who may sign the server's certificate (PEM).")]
TlsCertificateOption = Annotated[Path | None, typer.Option(help="This client's own certificate (PEM).")]
TlsKeyOption = Annotated[Path | None, typer.Option(help="Private key of this client's certificate (PEM).")]

BundleStoreOption = Annotated[Path | None, typer.Option("--bundle-store", help="Folder that keeps pulled bundles.")]
RegistryCaOption = Annotated[
    Path | None,
    typer.Option("--registry-ca", help="Who may sign the registry's certificate (PEM); default: public authorities."),
]
RegistryAuthFileOption = Annotated[
    Path | None,
    typer.Option(
        "--registry-auth-file",
        help="Logins as `podman login --authfile` writes them; default: REGISTRY_AUTH_FILE, podman's, docker's.",
    ),
]
RegistryPlainHttpOption = Annotated[
    bool | None,
    typer.Option("--registry-plain-http", help="Speak http, with a registry on this machine only."),
]
