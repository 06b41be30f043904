/**
 * The ledger: what people who come from GitLab Runner 19.4 rely on, as far as it is built. A line is
 * an id, the section of the inventory that says so, and the promise. citations.ts names its tests.
 */
export const REQUIREMENTS = String.raw`
log:golden:success               13.2  The log of a job that succeeds has GitLab Runner's bytes.
log:golden:failure               13.2  The log of a job that fails has GitLab Runner's bytes.
log:golden:cache-and-artifacts   13.2  The log of a job with cache and artifacts has GitLab Runner's bytes.
log:golden:situations            13.2  So has that of a job that is canceled, or out of time, or without sources.
log:golden:timestamps            13.3  With FF_TIMESTAMPS every line has time, stream and kind in front.
log:sections                     4.2   Stages are sections with GitLab's names, in GitLab Runner's order.
log:script-sections              4.7   With FF_SCRIPT_SECTIONS a multi-line command is a closed section.
log:output-limit                 8.4   output_limit cuts the log, says so, and the job goes on.
log:order                        13.2  Output and errors of a command keep their order in the log.
mask:variable                    13.4  A masked value is [MASKED], also split over writes or doubled.
mask:echo                        13.4  A masked value is [MASKED] where its command is announced.
mask:tokens                      13.4  The job's and the runner's token are [MASKED].
mask:credentials                 13.4  A registry password is [MASKED], also as basic authentication.
mask:prefixes                    13.4  What follows a token prefix is [MASKED].
mask:url-parameters              13.4  Values of secret URL parameters are [MASKED].
mask:debug-trace                 13.4  Masking also holds with CI_DEBUG_TRACE.
script:exit-code                 4.7   The exit code of the failing command is the job's.
script:pipefail                  4.3   A failure inside a pipe fails the script.
script:one-shell                 4.3   The commands of a script share one shell.
script:quoting                   4.3   Any text in commands and values reaches the shell as it is.
script:stdin                     4.3   Commands find their standard input empty.
script:debug-trace               5.1   CI_DEBUG_TRACE traces the shell.
script:debug-trace:told          5.1   GitLab is told of logs that debugging may have put secrets into.
script:config-scripts            4.2   config.toml's scripts run around sources and script.
script:hooks                     4.4   Hooks of the job run around its sources, config.toml's around them.
script:profile                   4.2   A profile that exits is named as the cause of the failure.
script:release                   4.3   The step made of release has its variables expanded.
after-script:status              4.2   after_script sees CI_JOB_STATUS, in a shell of its own.
after-script:ignored             4.2   Its failure is a warning, and the job's result stays.
after-script:errors-count        5.1   AFTER_SCRIPT_IGNORE_ERRORS=false makes its failure count.
after-script:timeout             8.4   It has a time limit of its own.
after-script:fault               4.2   After a fault of the environment in a script, what ends a job has its turn.
variables:layers                 5.3   The job's variables win over config.toml's; the runner's own over both.
variables:expansion              5.3   References are expanded once; raw variables are not.
variables:file                   4.3   A file variable is a private file, its value the path.
variables:file:removed           4.2   File variables are gone when the job is over.
variables:env-file               4.3   What a script writes to GITLAB_ENV the next stage has.
variables:feature-flags          6     Feature flags come from config.toml first, then from the job.
settings:bad                     13.2  Settings that cannot be heeded are one warning, after the header.
git:fetch                        4.4   The job's commit is fetched and checked out, detached.
git:no-token-on-disk             4.4   No credential stays in the checkout's configuration.
git:reuse                        4.4   A checkout is used again and cleaned.
git:strategies                   4.5   GIT_STRATEGY clone, fetch, none and empty.
git:strategy:bad-value           13.2  A bad value is one warning, and the default holds.
git:submodule-strategy:bad       4.5   A bad GIT_SUBMODULE_STRATEGY is a system failure.
git:depth                        4.5   GIT_DEPTH bounds the history; 0 is all of it.
git:refspecs                     4.4   Tags and merge requests are fetched by the payload's refspecs.
git:clean-flags                  4.5   GIT_CLEAN_FLAGS is what git clean gets; none is no clean.
git:checkout                     4.5   GIT_CHECKOUT=false leaves the files alone.
git:clone-path                   4.5   GIT_CLONE_PATH places the checkout, inside builds_dir only.
git:clone-path:lease             4.5   Jobs on one host that share a GIT_CLONE_PATH take turns.
git:submodules                   4.5   GIT_SUBMODULE_STRATEGY, with the job's own credentials.
git:submodule-paths              4.5   GIT_SUBMODULE_PATHS narrows them down.
git:lfs:skip                     4.5   GIT_LFS_SKIP_SMUDGE leaves pointers.
git:lfs                          4.4   LFS files come with the job's credentials.
git:lfs:failure                  4.4   LFS files that cannot be had fail the job.
git:sha256                       4.4   SHA-256 repositories work.
git:attempts:range               4.2   Attempts are clamped to 1 to 10, with a warning.
git:attempts                     4.6   GET_SOURCES_ATTEMPTS repeats the stage after a clean-up.
git:stale-locks                  4.4   Locks of a git that died are removed.
git:commit:missing               4.4   A commit that is not there fails the job with what git says of it.
git:safe-directory               2.2   safe_directory_checkout names the checkout in git's global configuration.
tls:job                          5.2   Jobs get the TLS files of their GitLab, and use them everywhere.
git:submodules:leftovers         4.4   Submodules that an earlier job broke or replaced are cloned anew.
variables:env-file:stale         4.3   No job reads what an earlier one left in GITLAB_ENV.
git:clean-config                 4.4   Configuration and hooks of an earlier job are undone.
cache:round-trip                 9.1   A cache comes back with links and modes.
cache:fallback                   9.1   Fallback keys in order, CACHE_FALLBACK_KEY last.
cache:protected-fallback         9.1   A CACHE_FALLBACK_KEY that ends in -protected is refused.
cache:policy                     9.1   pull, push and pull-push, also from a variable.
cache:when                       9.1   on_success, on_failure and always.
cache:key:sanitized              9.1   A key that leads out of the cache directory is made harmless.
cache:hashed                     9.1   FF_HASH_CACHE_KEYS names archives by the hash of their key.
cache:policy:bad                 9.1   A policy that is none is a system failure.
cache:failed-extract             6     FF_CLEAN_UP_FAILED_CACHE_EXTRACT removes what was extracted.
cache:never-fails                4.8   A cache that cannot be restored or saved fails no job.
cache:formats                    9.1   CACHE_COMPRESSION_FORMAT zip, tarzstd and zipzstd.
artifacts:archive                9.3   Files, links, modes, exclude, name and expire_in.
artifacts:expansion              9.3   Names and paths are expanded by the helper, by a shell's rules.
artifacts:reports                9.2   Reports as gzip or raw, with their type.
artifacts:no-files               9.3   No files to upload is told and fails nothing.
artifacts:when                   4.2   on_success, on_failure and always.
artifacts:untracked              9.2   untracked takes what git does not know.
artifacts:dependencies           9.3   Archives of earlier jobs are there before the script, in order.
artifacts:dependency:missing     4.8   An archive that cannot be had fails the job before its script.
artifacts:retry                  9.3   An upload is tried again after 502 and 503.
artifacts:too-large              9.3   413 is final and fails the job.
artifacts:redirect               9.3   A download follows a redirect without the job's token.
timeout:job                      8.4   The job's timeout ends it, with its own failure reason.
timeout:sources                  2.2   get_sources_timeout ends the job, with the same reason.
timeout:words                    4.6   A limit that cannot be is told, and the default holds.
timeout:script                   5.1   RUNNER_SCRIPT_TIMEOUT ends the script; the rest still runs.
cancel:graceful                  8.3   A cancel ends the script; after_script runs with its status.
cancel:abort                     8.3   A forced cancel ends everything.
cancel:early                     8.3   A job canceled before its script runs none of it.
job:request:pace                 8.4   Asks at once after a job, else after check_interval.
job:accept                       8.4   A job is confirmed before it runs, and runs once.
job:payload:null                 8.6   Every optional field of a job may be null or missing.
job:inputs                       8.6   Inputs are put where the payload names them; a bad expression fails the job.
job:unknown-options              8.6   Unknown executor options fail the job and are named.
trace:patch:first                8.4   The first bytes of a log go out at once, later ones in intervals.
trace:patch:range-mismatch       8.1   416 continues from where the coordinator stands.
trace:patch:interval             8.4   The coordinator's interval is followed, up to 15 minutes.
trace:patch:keep-alive           8.4   A silent job shows a sign of life every 30 seconds.
trace:final:accepted             8.1   202 to the final update repeats it.
trace:final:validation           8.1   412 to the final update sends the log again.
trace:final:checksum             8.1   The final update carries the log's CRC-32 and size.
api:retry                        8.1   Five tries with growing pauses; Retry-After is honoured.
api:queue-value                  8.1   The newest X-GitLab-Last-Update is sent back.
api:unhealthy                    8.4   A refused token pauses the entry for a while.
tls:ca                           8.1   The authority by tls-ca-file, or by certs/ beside config.toml.
run:concurrent                   2.1   concurrent is never exceeded.
run:limit                        2.2   limit of an entry is never exceeded.
run:limit:shared                 2.2   Entries with one token share its limit, and all take jobs.
run:request-concurrency:shared   2.2   They share request_concurrency, too.
run:incomplete-entry             2.2   An entry without token or URL is told, and holds up no other.
run:reload                       8.5   A changed config.toml is in force without a restart.
run:reload:broken                8.5   A broken config.toml is told, and the old one stays.
run:independent-entries          2.2   A GitLab that hangs holds up no other.
run:sigquit                      8.5   SIGQUIT lets jobs end and takes no other.
run:sigterm                      8.5   SIGTERM ends the jobs and tells GitLab.
run:sigterm:twice                8.5   A second SIGTERM exits at once.
run:shutdown-timeout             8.5   shutdown_timeout bounds the end.
run:sighup                       8.5   SIGHUP reads the configuration again.
run:token-renewal                8.5   A token is renewed at 75 % of its life, and not lost by a reload or an end.
run:unhealthy                    8.4   An entry that is left alone for its refused token is named in the log.
log:process                      8.5   The process log has GitLab Runner's lines, in its order.
run:sigusr1                      13.1  SIGUSR1 puts the state of the process into the log.
run:missing-config               8.5   run waits for a config.toml that is not there yet.
exit-code:one                    8.2   What cannot be done or understood ends with 1.
start:home                       1.1   A home that is not told is looked up, and may be none.
register:takes-back              1.3   A registration that breaks off is undone at GitLab.
run-single:max-builds            1.4   --max-builds ends run-single after so many jobs.
run-single:wait-timeout          1.4   --wait-timeout ends it after so long without a job.
exec:old-form                    1.4   exec takes an executor before the job, as it did until 17.0.
exec:flags                       1.4   exec takes --timeout in seconds and every flag of a runner entry.
metrics:queuing-threshold        7     Jobs that waited longer than their threshold are counted.
metrics:names                    7     Metrics have GitLab Runner's names and labels.
debug:jobs-list                  7     /debug/jobs/list has one line for each running job.
debug:executor-stage             7     It and gitlab_runner_jobs say what the docker executor is doing.
register:authentication-token    1.3   A glrt- token is verified and saved, the file private.
register:registration-token      1.3   A registration token makes a runner with its settings.
register:prompts                 1.3   Questions in GitLab Runner's words and order.
register:template                1.3   A template fills in what flags leave open.
register:unknown-shell           1.3   A shell that does not exist is refused before GitLab is asked.
register:keeps-file              1.3   What else is in config.toml stays as it is.
verify:empty-url                 1.5   An empty --url is every GitLab: the probe of the Helm chart asks so.
verify:messages                  1.5   Each runner is told to be valid or not; --delete removes the dead.
unregister:name                  1.5   Of several runners with one name the first is taken.
unregister:manager               1.5   A glrt- runner loses this manager, and its entry.
reset-token:own                  1.5   The runner's own token replaces itself.
list:lines                       1.5   One line with executor, short token and URL.
lint:findings                    1.5   Every problem of the file at once, with its place.
version:lines                    1.1   --version prints labelled lines.
config:no-file                   1.5   list, verify and the like find no runner where no file is.
config:labels                    2.1   Labels are held to what GitLab takes.
config:key-case                  2.0   Keys in another case are read and edited as Go reads them.
config:syntax-error              8.5   A syntax error names file, line and column.
helper:artifacts                 1.7   artifacts-uploader and -downloader by flags and variables.
helper:cache                     1.7   cache-archiver and cache-extractor by flags and variables.
helper:cache-init                1.7   cache-init opens directories.
helper:health-check              1.7   health-check dials the service's ports.
helper:read-logs                 1.7   read-logs exits with 100 when its file never comes.
docker:keys                      2.5   Every key of [runners.docker] reaches the containers it is for.
docker:labels                    3.4   Containers have GitLab Runner's names and labels.
docker:entrypoint                3.4   The job's entrypoint or the image's; one empty word takes it away.
docker:entrypoint:ignoring        3.4   An entrypoint may do the job's work in place of the script; its end is the job's.
docker:oom                       3.4   A script that meets the memory limit ends with 137, and the log says why.
docker:privileged                3.5   allowed_privileged_images and _services limit who is privileged.
docker:image:options             3.4   image:docker:user and platform reach the job's container.
docker:image:allowed             3.5   A refused image is told with the list of allowed ones.
docker:image:policies            3.5   Pull policies are tried in turn, each told in GitLab Runner's words.
docker:image:retries             3.5   What may pass is tried three times, and ends in the registry's words.
docker:image:auth                3.6   DOCKER_AUTH_CONFIG, then the user's files, then the job's credentials.
docker:image:auth-line           3.6   The log says whose credentials were used.
docker:image:auth-file           3.6   DOCKER_AUTH_CONFIG logs in as a variable of the type file also.
docker:image:auth-match          3.6   The longest matching prefix of all sources wins.
docker:image:auth-helper         3.6   Credential helpers and stores log in.
docker:image:auth-broken         3.6   A source that is broken is told of in GitLab Runner's words, and others are used.
docker:image:auth-apart          3.6   No job gets an image by another job's credentials where its policy asks the registry.
docker:image:reason              3.5   What a failed pull is reported as follows from the registry's words.
docker:image:policy-refused      3.5   A job's pull policy must be an allowed one.
docker:helper-image              3.5   helper_image is used; without one, ours or the job's own.
docker:attempts                  4.6   EXECUTOR_JOB_SECTION_ATTEMPTS: a stage whose container was taken away is run in a new one.
docker:service:alias             3.8   A job reaches a service by its aliases and two names of its image.
docker:service:ports             3.8   A service is waited for until one of its exposed ports answers.
docker:service:warning           3.8   One that does not come up is told of with its log; the job goes on.
docker:service:debug             3.8   CI_DEBUG_SERVICES streams the services' logs into the job's.
docker:service:no-ports          3.8   One without ports to ask has up to 10 seconds, less when it listens on any.
docker:service:variables         3.8   A service gets the job's public variables and its own, and none of the job's secrets.
docker:service:names             3.8   A name that another service has is skipped with a warning; one left without a name is not started.
docker:service:entrypoint        2.5   disable_entrypoint_overwrite holds for services too.
docker:network-per-build         3.9   FF_NETWORK_PER_BUILD gives a job a network of its own.
docker:environment-flags         3.9   A flag in a runner entry's environment counts, and a job's variable more.
docker:cache-volumes             3.7   Volumes last for the jobs of a project in one slot, under GitLab Runner's names.
docker:volume:open               3.7   Every user of a job's containers may write in a managed volume.
docker:volume:variables          3.7   Variables count in a volume's path, and not in its source.
docker:volume:double             3.7   Two volumes at one path are refused.
docker:volume:protected          3.7   Jobs of protected refs, or with protected cache keys, have volumes of their own.
docker:allowed-users             2.5   allowed_users limits the job's user and the configured one.
docker:authority                 3.4   A ca.crt mounted at GitLab's path is trusted by the helper.
docker:disable-cache             3.7   disable_cache keeps nothing; volume_keep keeps even what is temporary.
docker:cache-dir                 3.7   cache_dir puts what lasts into folders of the host; binds keep their modes.
docker:fetch                     3.7   A checkout is fetched into by the next job, whoever its user is.
ssh:log                          3.13  "Using SSH executor..." and "Process exited with status".
ssh:host-key                     2.6   The server's key must stand in known_hosts_file, unless that is disabled.
ssh:image                        3.2   The image that a job names is ignored.
ssh:login                        2.6   A key, a password, or both; an encrypted key is named as such.
ssh:variables                    2.6   Host, port, user and key are expanded with the job's variables.
ssh:files                        3.13  Sources, cache and artifacts work on the target.
ssh:cancel                       3.13  A canceled job, and one whose server is gone, leaves nothing running.
docker-ssh:job                   3.13  Stages run in a login shell over SSH in the job's container; services, cache and artifacts work.
ssh:targets                      3.13  A target needs no more than POSIX, git and the shell.
ssh:connections                  3.13  Jobs share connections within MaxSessions; a broken one is replaced before the next stage.
custom:stages                    3.13  A driver's programs are called for GitLab Runner's stages, in its order.
custom:config                    3.13  What config_exec answers counts: driver, directories, host name, job_env.
custom:exit-code                 3.13  BUILD_EXIT_CODE_FILE tells the script's own exit code.
custom:prepared                  3.13  What prepare_exec leaves running stays until the job is over.
custom:environment               3.13  Programs find all of a job's variables behind CUSTOM_ENV_, the text of file variables, and services as JSON or nothing.
custom:blame                     3.13  config_exec and prepare_exec that blame the job are not tried again; those that fail otherwise are, three times.
custom:codes                     3.13  A program's exit code tells a failed job from a failed system; any other is named, as is a signal.
custom:attempts                  3.13  A driver's failure in get_sources, restore_cache or download_artifacts is tried again as often as the job says.
custom:cleanup                   3.13  cleanup_exec is called for every job, also for one whose runner was killed.
`;
