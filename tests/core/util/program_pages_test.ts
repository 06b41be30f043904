import { expect, test } from "bun:test";
import { untouchedMappings } from "../../../core/util/program_pages.ts";

interface Mapping {
  readonly range: string;
  readonly access?: string;
  readonly path?: string;
  readonly anonymous?: number;
  readonly swap?: number;
}

function smaps(...mappings: readonly Mapping[]): string {
  return mappings.map(({ range, access = "r-xp", path = "/opt/runner", anonymous = 0, swap = 0 }) =>
    `${range} ${access} 01838000 fe:00 1234                       ${path}
Size:              79912 kB
Rss:               35240 kB
Private_Dirty:     35240 kB
Anonymous:         ${anonymous} kB
Swap:                  ${swap} kB
VmFlags: rd ex mr mw me sd
`
  ).join("");
}

test("untouchedMappings are those of the program that can only be read", () => {
  const text = smaps(
    { range: "00200000-00201000", access: "r--p" },
    { range: "00400000-00500000" },
    { range: "00600000-00700000", access: "rw-p" },
    { range: "7f0000000000-7f0000100000", path: "/usr/lib/libc.so.6" },
    { range: "7fff00000000-7fff00001000", path: "[vdso]" },
    { range: "00800000-00900000", access: "r--s" },
  );
  expect(untouchedMappings(text, "/opt/runner")).toEqual([
    { start: 0x200000, length: 0x1000 },
    { start: 0x400000, length: 0x100000 },
  ]);
});

test("untouchedMappings hold no page that differs from the file, in memory or in swap", () => {
  const text = smaps(
    { range: "00200000-00201000", access: "r--p", anonymous: 12 },
    { range: "00400000-00500000", swap: 4 },
    { range: "00600000-00700000" },
  );
  expect(untouchedMappings(text, "/opt/runner")).toEqual([{ start: 0x600000, length: 0x100000 }]);
});

test("untouchedMappings knows a program whose file has been replaced, and blanks in its name", () => {
  const path = "/opt/my runner (deleted)";
  const text = smaps({ range: "00400000-00500000", path });
  expect(untouchedMappings(text, path)).toHaveLength(1);
});
