import { expect, test } from "bun:test";
import { countJunit } from "../../../core/local/junit.ts";

test("countJunit counts cases by what is said of them", () => {
  const xml = `<?xml version="1.0"?>
<testsuites><testsuite name="a > b" tests="99">
  <testcase name="one"/>
  <testcase name="two"><failure message="1 > 0">text</failure></testcase>
  <testcase name="three"><error/><failure/></testcase>
  <testcase name="four"><skipped/></testcase>
  <testcase name="five"><system-out><![CDATA[<failure/> <testcase/>]]></system-out></testcase>
  <!-- <testcase name="no"/> -->
</testsuite></testsuites>`;
  expect(countJunit(xml)).toEqual({ tests: 5, failures: 1, errors: 1, skipped: 1 });
});

test("countJunit takes several reports behind each other, and what is none", () => {
  const one = "<testsuite><testcase/></testsuite>\n";
  expect(countJunit(one + one).tests).toBe(2);
  expect(countJunit("not xml").tests).toBe(0);
});
