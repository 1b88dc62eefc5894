/**
 * Who has which worktree of a session's pool. A record on the disk says so before the worktree is touched: a process
 * that comes after one that died finds each lane where it was.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DIRECTORY_MODE } from "../storage/atomic.ts";
import { isMissing } from "./head.ts";
import type { Member, Site, Workshop } from "./workshop.ts";

const NAME = /^pool-[1-9]\d*$/;

/** What the disk says of a session's pool. Read at once: there are as many records as lanes at the same time. */
export function readMembers(records: string): Map<string, Member> {
  const names = recordsIn(records).flatMap((file) => (file.endsWith(".json") ? [file.slice(0, -".json".length)] : []));
  const members = names.filter((name) => NAME.test(name)).map((name) => memberIn(join(records, `${name}.json`), name));
  return new Map(members.map((member) => [member.name, member]));
}

/** Notes what becomes of a member, here and on the disk. The caller has it to itself from the moment of the call. */
export function writeMember(workshop: Workshop, member: Member): void {
  workshop.pool.set(member.name, member);
  writeRecord(workshop, {
    record: join(workshop.places.records, workshop.session, `${member.name}.json`),
    lane: member.name,
    directory: join(workshop.paths.lanes, member.name),
    branchRef: null,
    member: member.name,
  });
}

/** Says whose the worktree is. At once: the next lane may take a member the moment it is free, and must write after us. */
export function writeRecord(
  workshop: Workshop,
  site: Pick<Site, "record" | "lane" | "directory" | "branchRef" | "member">,
): void {
  const member = site.member === null ? undefined : workshop.pool.get(site.member);
  const { holder, base, fresh, clean } = member ?? {};
  const owner = {
    session: workshop.session,
    lane: site.member ?? site.lane,
    directory: site.directory,
    branch: site.branchRef,
  };
  mkdirSync(dirname(site.record), { recursive: true, mode: DIRECTORY_MODE });
  writeFileSync(`${site.record}.new`, `${JSON.stringify({ ...owner, holder, base, fresh, clean }, null, 2)}\n`);
  renameSync(`${site.record}.new`, site.record);
}

/** Where a lane's worktree was made, as its record says; null without one. */
export function recordedDirectory(record: string): string | null {
  try {
    const value: unknown = JSON.parse(readFileSync(record, "utf8"));
    return typeof value === "object" && value !== null && "directory" in value && typeof value.directory === "string"
      ? value.directory
      : null;
  } catch {
    // There is none yet, or it was cut off while it was written.
    return null;
  }
}

/** The first name that no member has. */
export function freeName(workshop: Workshop): string {
  let number = 1;
  while (workshop.pool.has(`pool-${number}`)) number += 1;
  return `pool-${number}`;
}

function recordsIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** A record that cannot be read belongs to somebody all the same: to a lane of its own name, whose work is kept. */
function memberIn(path: string, name: string): Member {
  const unknown = { name, holder: name, base: "", fresh: false, clean: false };
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (typeof value !== "object" || value === null) return unknown;
    const holder =
      "holder" in value && (typeof value.holder === "string" || value.holder === null) ? value.holder : name;
    const base = "base" in value && typeof value.base === "string" ? value.base : "";
    const isTrue = (key: "fresh" | "clean"): boolean => new Map(Object.entries(value)).get(key) === true;
    return { name, holder, base, fresh: isTrue("fresh"), clean: isTrue("clean") };
  } catch {
    return unknown;
  }
}
