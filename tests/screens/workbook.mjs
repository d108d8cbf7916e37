// A small .xlsx, written by hand: sheets of rows of cells, no styles.

import { writeFileSync } from "node:fs";

/** `sheets` is a list of [name, rows]; a number becomes a number cell, all else text. */
export function writeWorkbook(path, sheets) {
  const names = sheets.map(([name]) => name);
  const files = [
    ["[Content_Types].xml", types(names)],
    ["_rels/.rels", relations([["officeDocument", "xl/workbook.xml"]])],
    ["xl/workbook.xml", workbook(names)],
    [
      "xl/_rels/workbook.xml.rels",
      relations(names.map((_, at) => ["worksheet", `worksheets/sheet${at + 1}.xml`])),
    ],
    ...sheets.map(([, rows], at) => [`xl/worksheets/sheet${at + 1}.xml`, sheet(rows)]),
  ];
  writeFileSync(path, zip(files));
}

/** Two cells at opposite corners: two kilobytes that some readers unfold into memory. */
export function writeBomb(path) {
  writeWorkbook(path, [["bomb", { A1: "a", XFD1048576: "b" }]]);
}

const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006";

function types(names) {
  const kind = "application/vnd.openxmlformats-officedocument.spreadsheetml";
  const sheets = names.map(
    (_, at) =>
      `<Override PartName="/xl/worksheets/sheet${at + 1}.xml" ContentType="${kind}.worksheet+xml"/>`,
  );
  return `${HEAD}<Types xmlns="${PACKAGE}/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/xl/workbook.xml" ContentType="${kind}.sheet.main+xml"/>${sheets.join("")}</Types>`;
}

function relations(targets) {
  const each = targets.map(
    ([type, target], at) =>
      `<Relationship Id="rId${at + 1}" Type="${OFFICE}/${type}" Target="${target}"/>`,
  );
  return `${HEAD}<Relationships xmlns="${PACKAGE}/relationships">${each.join("")}</Relationships>`;
}

function workbook(names) {
  const each = names.map(
    (name, at) => `<sheet name="${escaped(name)}" sheetId="${at + 1}" r:id="rId${at + 1}"/>`,
  );
  return `${HEAD}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets>${each.join("")}</sheets></workbook>`;
}

function sheet(rows) {
  const cells = Array.isArray(rows)
    ? rows.map((row, at) => [at + 1, row.map((value, column) => [letters(column) + (at + 1), value])])
    : Object.entries(rows).map(([place, value]) => [place.replace(/\D/g, ""), [[place, value]]]);
  const each = cells.map(
    ([number, row]) => `<row r="${number}">${row.map(([place, value]) => cell(place, value)).join("")}</row>`,
  );
  return `${HEAD}<worksheet xmlns="${MAIN}"><sheetData>${each.join("")}</sheetData></worksheet>`;
}

function cell(place, value) {
  if (value === "" || value == null) return "";
  if (typeof value === "number") return `<c r="${place}"><v>${value}</v></c>`;
  return `<c r="${place}" t="inlineStr"><is><t xml:space="preserve">${escaped(value)}</t></is></c>`;
}

function letters(column) {
  const last = String.fromCharCode(65 + (column % 26));
  return column < 26 ? last : letters(Math.floor(column / 26) - 1) + last;
}

function escaped(text) {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
}

// A zip archive whose files are stored as they are.
function zip(files) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, text] of files) {
    const data = Buffer.from(text);
    const bytes = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(0x00210000, 6);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(bytes.length, 22);
    const entry = Buffer.alloc(14);
    entry.writeUInt32LE(offset, 10);
    parts.push(Buffer.from("PK\x03\x04"), common, bytes, data);
    directory.push(Buffer.from("PK\x01\x02\x14\x00", "latin1"), common, entry, bytes);
    offset += 30 + bytes.length + data.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}

function crc32(data) {
  let crc = ~0;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
