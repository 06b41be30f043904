/** The runner's own lines in a trace, in the bytes that GitLab and people's tools know. */

import { ANSI } from "../util/ansi.ts";

export function plainLine(text: string): string {
  return `${ANSI.clearLine}${text}${ANSI.reset}\n`;
}

export function noticeLine(text: string): string {
  return `${ANSI.notice}${text}${ANSI.reset}\n`;
}

export function warningLine(text: string): string {
  return `${ANSI.warning}WARNING: ${text}${ANSI.reset}\n`;
}

export function errorLine(text: string): string {
  return `${ANSI.error}ERROR: ${text}${ANSI.reset}\n`;
}

/** The line that names a section. */
export function titleLine(title: string): string {
  return `${ANSI.clearLine}${ANSI.title}${title}${ANSI.reset}${ANSI.reset}\n`;
}

/** `seconds` since 1970. The title line follows directly. */
export function sectionStart(name: string, seconds: number, collapsed: boolean): string {
  return `section_start:${seconds}:${name}${
    collapsed ? "[collapsed=true]" : ""
  }\r${ANSI.clearLine}`;
}

/** No line feed: the next line begins in place. */
export function sectionEnd(name: string, seconds: number): string {
  return `section_end:${seconds}:${name}\r${ANSI.clearLine}`;
}

/** What a log that has met its limit ends with. */
export function limitNotice(limitBytes: number): string {
  return `\n${ANSI.limit}Job's log exceeded limit of ${limitBytes} bytes.\n` +
    `Job execution will continue but no more output will be collected.${ANSI.reset}\n`;
}
