"""How a case without a name of its own and without a series is called: bare voxels carry no UID."""

import numpy as np
import pytest

from core.findings import Findings
from core.volume import Volume
from runtime.analysis.case import AboutCase, AnalysisSettings, CaseInput
from runtime.analysis.images import BareVolume
from runtime.analysis.pipeline import analyze_case
from runtime.bundle.loading import load_bundle
from runtime.inference.model import LoadedModel, load_model
from tests.fixtures.bundles import make_tiny_volume
from tests.fixtures.processes import make_bundle

SECRET = AnalysisSettings(pseudonym_salt="a secret")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    bundle = make_bundle(tmp_path_factory.mktemp("bundle"))
    return load_model(load_bundle(bundle.path, bundle.trusted_keys), "onnxruntime-cpu", threads=1)


def findings_of(volume: Volume, model: LoadedModel, settings: AnalysisSettings = SECRET) -> Findings:
    return analyze_case(CaseInput(BareVolume(volume, is_phantom=True)), model, settings).findings


def test_the_same_voxels_have_the_same_pseudonym_and_others_another(model: LoadedModel) -> None:
    volume, _ = make_tiny_volume()
    changed = volume.voxels.copy()
    changed[0, 0, 0] += 1
    first, again, other = (findings_of(each, model) for each in (volume, volume, volume.with_voxels(changed)))
    assert first.case.case_id.startswith("case-")
    assert first.case.case_id == again.case.case_id != other.case.case_id
    assert (first.case.study_instance_uid, first.case.series_instance_uid) == (None, None)
    assert {node.tracking_uid for node in first.nodes} == {node.tracking_uid for node in again.nodes}
    assert not {node.tracking_uid for node in first.nodes} & {node.tracking_uid for node in other.nodes}


def test_the_salt_of_the_site_changes_the_pseudonym(model: LoadedModel) -> None:
    volume, _ = make_tiny_volume()
    cases = [findings_of(volume, model, each).case.case_id for each in (SECRET, AnalysisSettings())]
    assert cases[0] != cases[1]


def test_refused_voxels_have_a_pseudonym_of_their_own_as_well(model: LoadedModel) -> None:
    few = Volume(np.full((3, 8, 8), 7, np.uint16), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3)[:, ::-1])
    first, again = findings_of(few, model), findings_of(few, model)
    other = findings_of(few.with_voxels(few.voxels + np.uint16(1)), model)
    assert {each.status for each in (first, again, other)} == {"refused"}
    assert first.case.case_id == again.case.case_id != other.case.case_id


def test_a_name_given_by_the_caller_takes_the_place_of_the_pseudonym(model: LoadedModel) -> None:
    volume, _ = make_tiny_volume()
    case = CaseInput(BareVolume(volume, is_phantom=True), AboutCase("case 7"))
    assert analyze_case(case, model, SECRET).findings.case.case_id == "case 7"
