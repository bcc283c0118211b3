// Prints what dcmjs finds in a segmentation and a report: node read_results.mjs segmentation.dcm report.dcm
// "-" stands for a file that there is not.
import { readFileSync } from "node:fs";
import dcmjs from "dcmjs";

const { BitArray, DicomMessage, DicomMetaDictionary } = dcmjs.data;

const TRACKING_IDENTIFIER = "112039";
const TRACKING_UID = "112040";
const REFERENCED_SEGMENT = "121191";
const FINDING_SITE = "363698007";
const LATERALITY = "272741003";
const MEASUREMENT_GROUP = "125007";

function read(path) {
    const { buffer, byteOffset, byteLength } = readFileSync(path);
    const file = DicomMessage.readFile(buffer.slice(byteOffset, byteOffset + byteLength));
    return DicomMetaDictionary.naturalizeDataset(file.dict);
}

// A sequence of one item comes with or without its array.
const items = (sequence) => (sequence === undefined ? [] : [].concat(sequence));
const first = (sequence) => items(sequence)[0];
const value = (code) => code?.CodeValue ?? code?.LongCodeValue ?? null;
const name = (item) => value(first(item.ConceptNameCodeSequence));
const children = (item) => items(item.ContentSequence);
const named = (item, code) => children(item).find((child) => name(child) === code);
const concept = (item) => value(first(item?.ConceptCodeSequence));

function* walk(item) {
    for (const child of children(item)) {
        yield child;
        yield* walk(child);
    }
}

function voxelsBySegment(segmentation) {
    const pixels = BitArray.unpack(first(segmentation.PixelData));
    const size = segmentation.Rows * segmentation.Columns;
    const voxels = {};
    items(segmentation.PerFrameFunctionalGroupsSequence).forEach((groups, index) => {
        const number = first(groups.SegmentIdentificationSequence).ReferencedSegmentNumber;
        const frame = pixels.subarray(index * size, (index + 1) * size);
        voxels[number] = (voxels[number] ?? 0) + frame.reduce((count, pixel) => count + (pixel ? 1 : 0), 0);
    });
    return voxels;
}

function segments(segmentation) {
    const voxels = voxelsBySegment(segmentation);
    return items(segmentation.SegmentSequence).map((segment) => {
        const region = first(segment.AnatomicRegionSequence);
        return {
            number: segment.SegmentNumber,
            label: segment.SegmentLabel,
            trackingUid: segment.TrackingUID,
            category: value(first(segment.SegmentedPropertyCategoryCodeSequence)),
            type: value(first(segment.SegmentedPropertyTypeCodeSequence)),
            region: value(region),
            side: value(first(region.AnatomicRegionModifierSequence)),
            voxels: voxels[segment.SegmentNumber],
        };
    });
}

// The end points of an axis as the adapters of cornerstone look for them: by the words of its name.
function axis(item, meaning) {
    const measured = children(item).find((child) => first(child.ConceptNameCodeSequence).CodeMeaning === meaning);
    const line = children(measured ?? {}).find((child) => child.ValueType === "SCOORD");
    const image = first(first(line?.ContentSequence)?.ReferencedSOPSequence);
    return line === undefined ? null : { points: line.GraphicData, instance: image.ReferencedSOPInstanceUID };
}

function group(item) {
    const ofType = (type) => children(item).filter((child) => child.ValueType === type);
    const site = named(item, FINDING_SITE);
    const segment = first(named(item, REFERENCED_SEGMENT)?.ReferencedSOPSequence);
    const measurements = ofType("NUM").map((child) => {
        const measured = first(child.MeasuredValueSequence);
        return [name(child), [Number(measured.NumericValue), value(first(measured.MeasurementUnitsCodeSequence))]];
    });
    return {
        trackingUid: named(item, TRACKING_UID).UID,
        segment: segment?.ReferencedSegmentNumber ?? null,
        tool: named(item, TRACKING_IDENTIFIER).TextValue,
        axes: { long: axis(item, "Long Axis"), short: axis(item, "Short Axis") },
        site: concept(site),
        side: site ? concept(named(site, LATERALITY)) : null,
        measurements: Object.fromEntries(measurements),
        codes: Object.fromEntries(ofType("CODE").map((child) => [name(child), concept(child)])),
    };
}

function report(document) {
    const all = [...walk(document)];
    return {
        preliminary: document.PreliminaryFlag,
        verification: document.VerificationFlag,
        groups: all.filter((item) => name(item) === MEASUREMENT_GROUP).map(group),
        refusal: all.filter((item) => name(item) === "REFUSAL_REASON").map(concept),
        refusalTexts: all.filter((item) => name(item) === "REFUSAL_TEXT").map((item) => item.TextValue),
    };
}

const [segmentationPath, reportPath] = process.argv.slice(2);
console.log(
    JSON.stringify({
        segments: segmentationPath === "-" ? [] : segments(read(segmentationPath)),
        report: reportPath === "-" ? null : report(read(reportPath)),
    }),
);
