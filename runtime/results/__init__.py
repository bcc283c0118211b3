"""The files a case leaves behind: DICOM SEG and SR, key images, findings.json."""
