"""The DICOM node beside the engine: takes studies, has them analysed, delivers the results, and loses nothing."""
