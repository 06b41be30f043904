/** The flags of `exec`. Those of a runner entry have the names they have at `register`. */

import type { Flag, FlagValues } from "../flag.ts";
import type { EntryTable } from "../runner_entry.ts";
import { entryFromFlags, runnerEntryFlags } from "../runner_flags.ts";

const WHAT = "What to run";
const EVENT = "The pipeline's event";
const HOW = "How to run it";
const SHOW = "What to show";

const OWN_FLAGS: readonly Flag[] = [
  {
    names: ["file"],
    kind: "string",
    default: ".gitlab-ci.yml",
    help: "The CI file, in the repository",
    group: WHAT,
  },
  { names: ["cwd"], kind: "string", help: "Work in this directory", group: WHAT },
  { names: ["stage"], kind: "list", help: "Only the jobs of this stage", group: WHAT },
  { names: ["needs"], kind: "bool", help: "With the jobs that the named ones need", group: WHAT },
  {
    names: ["only-needs"],
    kind: "bool",
    help: "Only the jobs that the named ones need",
    group: WHAT,
  },
  { names: ["manual"], kind: "list", help: "Also run this manual job", group: WHAT },
  {
    names: ["rerun-failed"],
    kind: "bool",
    help: "Only what failed the last time, and what was kept from running by that",
    group: WHAT,
  },
  {
    names: ["job-url"],
    kind: "string",
    help: "Run the job of a GitLab server whose page has this address; EXEC_GITLAB_TOKEN opens it",
    group: WHAT,
  },
  { names: ["watch"], kind: "bool", help: "Run again at each change of the files", group: WHAT },
  {
    names: ["committed"],
    kind: "bool",
    help: "Run HEAD, without what is not committed",
    group: WHAT,
  },
  {
    names: ["fetch-includes"],
    kind: "bool",
    help: "Fetch included files again that are kept from an earlier run",
    group: WHAT,
  },
  {
    names: ["variable"],
    kind: "list",
    help: "KEY=value for the pipeline, as if it was started by hand with it",
    group: EVENT,
  },
  { names: ["env-file"], kind: "list", help: "File of such KEY=value lines", group: EVENT },
  { names: ["input"], kind: "list", help: "KEY=value for the CI file's inputs", group: EVENT },
  {
    names: ["event"],
    kind: "string",
    default: "push",
    help: "push, merge_request, tag, schedule or web",
    group: EVENT,
  },
  { names: ["branch"], kind: "string", help: "The branch; HEAD's when left out", group: EVENT },
  { names: ["tag"], kind: "string", help: "The tag of a tag pipeline", group: EVENT },
  { names: ["mr"], kind: "bool", help: "A merge request pipeline", group: EVENT },
  {
    names: ["mr-target"],
    kind: "string",
    help: "The merge request's target; the default branch when left out",
    group: EVENT,
  },
  {
    names: ["concurrency"],
    kind: "int",
    help: "Most jobs at the same time; the number of processors when left out",
    group: HOW,
  },
  {
    names: ["executor"],
    kind: "string",
    help: "Run all jobs with shell or docker, whatever they ask for",
    group: HOW,
  },
  { names: ["image"], kind: "string", help: "Image of jobs that name none", group: HOW },
  {
    names: ["pull-policy"],
    kind: "list",
    help: "When to pull images; several, tried in turn, with commas between them",
    group: HOW,
  },
  { names: ["privileged"], kind: "bool", help: "Privileged containers", group: HOW },
  { names: ["volume"], kind: "list", help: "Volume of every container", group: HOW },
  { names: ["network"], kind: "string", help: "Network of every container", group: HOW },
  { names: ["timeout"], kind: "string", default: "1h", help: "Longest time of a job", group: HOW },
  { names: ["state-dir"], kind: "string", help: "Where to keep state and caches", group: HOW },
  {
    names: ["artifacts-to-source"],
    kind: "bool",
    help: "Unpack what successful jobs made into the working tree",
    group: HOW,
  },
  {
    names: ["keep"],
    kind: "bool",
    help:
      "Keep the build directories of jobs that fail, and their containers with services and volumes, " +
      "until the next run; how to enter and remove containers is told at the end",
    group: HOW,
  },
  {
    names: ["shell-on-failure"],
    kind: "bool",
    help: "Open a shell in each job that fails, with its files and variables; one job at a time",
    group: HOW,
  },
  { names: ["list"], kind: "bool", help: "List the jobs; run nothing", group: SHOW },
  {
    names: ["preview"],
    kind: "bool",
    help: "Print the expanded CI file; run nothing",
    group: SHOW,
  },
  { names: ["dry-run"], kind: "bool", help: "Print what would run; run nothing", group: SHOW },
  {
    names: ["explain-vars"],
    kind: "string",
    help: "Print a job's variables and where they come from; run nothing",
    group: SHOW,
  },
  { names: ["json"], kind: "bool", help: "Events as JSON lines on standard output", group: SHOW },
  { names: ["quiet"], kind: "bool", help: "Only failures and the summary", group: SHOW },
  { names: ["no-color"], kind: "bool", help: "No colours, as with NO_COLOR", group: SHOW },
];

/** Keys of an entry that have no meaning without a server, or another name here. */
const NOT_HERE =
  /^(?:url|token|name|executor|limit|request-concurrency|tls-(?!ca-file$)|strict-|unhealthy-)/;

const OWN_NAMES: ReadonlySet<string> = new Set(OWN_FLAGS.flatMap(({ names }) => names));

/** Those of an entry are many and rarely given: `args` say whether any of them may be. */
export function execFlags(args: readonly string[]): readonly Flag[] {
  const isOther = (arg: string) =>
    arg.startsWith("-") && !OWN_NAMES.has(arg.replace(/^-+/, "").split("=", 1)[0] ?? "");
  return args.some(isOther) ? [...OWN_FLAGS, ...entryFlags()] : OWN_FLAGS;
}

/** Keys of a runner entry that the user has set by flags of their own names. */
export function entryValues(flags: FlagValues): EntryTable {
  const isOwn = [...flags.names].every((name) => OWN_NAMES.has(name));
  return isOwn ? {} : entryFromFlags(flags);
}

/** Those of GitLab Runner's own `exec`. */
function entryFlags(): readonly Flag[] {
  return runnerEntryFlags()
    .filter(({ names }) => !NOT_HERE.test(names[0]) && !names.some((name) => OWN_NAMES.has(name)))
    .map(({ env: _env, short: _short, ...flag }) => ({ ...flag, advanced: true }));
}
