"""What every composite object says of patient, study, series, equipment and itself, for those that no library makes."""

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from runtime.results.context import ResultContext
from runtime.results.settings import Role


def plain_object(context: ResultContext, role: Role, sop_class_uid: str, modality: str) -> Dataset:
    """Return an instance with the modules that all objects have (PS3.3, C.7.1 to C.7.5 and C.12.1), in UTF-8."""
    attributes = context.attributes(role)
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop_class_uid, attributes["sop_instance_uid"]
    context.complete_patient_and_study(dataset)
    dataset.StudyInstanceUID = context.source.instances[0].StudyInstanceUID
    dataset.Modality = modality
    dataset.SeriesInstanceUID, dataset.SeriesNumber = attributes["series_instance_uid"], attributes["series_number"]
    dataset.SeriesDescription, dataset.InstanceNumber = attributes["series_description"], attributes["instance_number"]
    dataset.SeriesDate = dataset.InstanceCreationDate = context.created.strftime("%Y%m%d")
    dataset.SeriesTime = dataset.InstanceCreationTime = context.created.strftime("%H%M%S")
    dataset.Manufacturer, dataset.ManufacturerModelName = (
        attributes["manufacturer"],
        attributes["manufacturer_model_name"],
    )
    dataset.SoftwareVersions, dataset.DeviceSerialNumber = (
        attributes["software_versions"],
        attributes["device_serial_number"],
    )
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def reference_to(instance: Dataset) -> Dataset:
    """Return a SOP Instance Reference (PS3.3, Table 10-11)."""
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = instance.SOPClassUID, instance.SOPInstanceUID
    return reference
