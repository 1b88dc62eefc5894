/**
 * The text form of a journal, one line for each thing:
 *
 *     {"v":1,"by":"prodigy 0.1.0","c":"5f0c1d22"}              header: begins each file
 *     {"n":7,"v":1,"c":"9ab01f34","e":{"at":…,"type":…}}       event number 7
 *     {"sync":7,"c":"01ab77e0"}                                mark: events up to 7 were on the disk before this was written
 *
 * `c` is the CRC-32 of the rest of the line. The order of the keys is fixed, so a line is checked without parsing it.
 * The header's form and the places of `n`, `v` and `c` stay the same in all versions: an older Prodigy must be able to
 * tell "newer" from "damaged".
 */
import { crc32 } from "node:zlib";

export type JournalLine =
  | { readonly kind: "header"; readonly version: number; readonly writer: string }
  | { readonly kind: "event"; readonly seq: number; readonly version: number; readonly json: string }
  | { readonly kind: "mark"; readonly seq: number }
  | { readonly kind: "bad" };

const HEADER = /^\{"v":(\d{1,9}),"by":"([^"\\]{1,100})","c":"([0-9a-f]{8})"\}$/;
const EVENT = /^\{"n":(\d{1,15}),"v":(\d{1,9}),"c":"([0-9a-f]{8})","e":/;
const MARK = /^\{"sync":(\d{1,15}),"c":"([0-9a-f]{8})"\}$/;

const BAD: JournalLine = { kind: "bad" };

/** Reads one line without its line end. */
export function parseLine(line: string): JournalLine {
  const event = EVENT.exec(line);
  if (event !== null) return parseEvent(line, event);
  const mark = MARK.exec(line);
  if (mark !== null) return mark[2] === checksum(`sync:${mark[1]}`) ? { kind: "mark", seq: Number(mark[1]) } : BAD;
  const header = HEADER.exec(line);
  if (header === null || header[2] === undefined) return BAD;
  return header[3] === checksum(`v:${header[1]}:${header[2]}`)
    ? { kind: "header", version: Number(header[1]), writer: header[2] }
    : BAD;
}

export function formatHeader(version: number, writer: string): string {
  const name = writer.replace(/["\\\p{Cc}]/gu, "").slice(0, 100);
  return `{"v":${version},"by":"${name}","c":"${checksum(`v:${version}:${name}`)}"}\n`;
}

export function formatEvent(seq: number, version: number, json: string): string {
  return `{"n":${seq},"v":${version},"c":"${checksum(`${seq}:${version}:${json}`)}","e":${json}}\n`;
}

export function formatMark(seq: number): string {
  return `{"sync":${seq},"c":"${checksum(`sync:${seq}`)}"}\n`;
}

function parseEvent(line: string, match: RegExpExecArray): JournalLine {
  const json = line.slice(match[0].length, -1);
  if (!line.endsWith("}") || match[3] !== checksum(`${match[1]}:${match[2]}:${json}`)) return BAD;
  return { kind: "event", seq: Number(match[1]), version: Number(match[2]), json };
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}
