// Prints what the adapters of cornerstone find in a report: node bundled.cjs report.dcm planes.json
// planes.json has the image plane of every source instance by its UID, as a metadata provider gives it.
import { readFileSync } from "node:fs";
import dcmjs from "dcmjs";
import { adaptersSR } from "@cornerstonejs/adapters";
import { metaData } from "@cornerstonejs/core";

const { DicomMessage, DicomMetaDictionary } = dcmjs.data;
const [reportPath, planesPath] = process.argv.slice(2);
const planes = JSON.parse(readFileSync(planesPath, "utf8"));
metaData.addProvider((type, id) => (type === "imagePlaneModule" ? planes[id] : undefined), 1);

const { buffer, byteOffset, byteLength } = readFileSync(reportPath);
const file = DicomMessage.readFile(buffer.slice(byteOffset, byteOffset + byteLength));
const report = DicomMetaDictionary.naturalizeDataset(file.dict);
const images = Object.fromEntries(Object.keys(planes).flatMap((uid) => [[uid, uid], [`${uid}:1`, uid]]));

// The groups without calipers, which have no tool, are told on the console.
console.warn = () => {};
const found = adaptersSR.Cornerstone3D.MeasurementReport.generateToolState(report, images, metaData, {});
const calipers = (found.Bidirectional ?? []).map((each) => ({
    trackingUid: each.TrackingUniqueIdentifier,
    points: each.annotation.data.handles.points,
    sizes: Object.values(each.annotation.data.cachedStats)[0],
    image: Object.keys(each.annotation.data.cachedStats)[0].replace("imageId:", ""),
    site: each.findingSites[0].CodeValue,
}));
process.stdout.write(JSON.stringify({ tools: Object.keys(found), calipers }));
