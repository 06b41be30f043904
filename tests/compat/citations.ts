/** Which tests hold which promise: an id of requirements.ts, a file below tests/, a test's name. */
export const CITATIONS = String.raw`
log:golden:success  e2e/job_trace_test.ts  log of a job that succeeds equals the golden one
log:golden:failure  e2e/job_trace_test.ts  log of a job that fails equals the golden one, and tells the exit code
log:golden:cache-and-artifacts  e2e/job_trace_test.ts  log of a job with a cache and artifacts equals the golden one
log:golden:situations  e2e/job_situations_test.ts  log of a job without sources equals the golden one
log:golden:situations  e2e/job_situations_test.ts  log of a job whose commit is not there equals the golden one
log:golden:situations  e2e/job_situations_test.ts  log of a job with submodules equals the golden one
log:golden:situations  e2e/job_situations_test.ts  log of a job that restores a cache and fetches artifacts equals the golden one
log:golden:situations  e2e/job_situations_test.ts  log of a job that meets its time limit equals the golden one
log:golden:situations  e2e/job_situations_test.ts  log of a job that is canceled equals the golden one
log:golden:situations  e2e/job_situations_test.ts  log of a job whose sources come with the second try equals the golden one
log:golden:timestamps  e2e/job_trace_test.ts  log with FF_TIMESTAMPS equals the golden one
log:golden:timestamps  core/trace/timestamps_test.ts  splits lines over 8 KiB, however they come
log:sections  e2e/job_trace_test.ts  job without repository has all sections in GitLab Runner's order
log:script-sections  core/run/plan_test.ts  planJob() makes sections of multi-line commands when FF_SCRIPT_SECTIONS is on
log:output-limit  e2e/job_limits_test.ts  output_limit cuts the log, says so once, and lets the job go on
log:order  e2e/job_script_test.ts  standard output can be opened by its name, and both streams keep their order
mask:variable  e2e/job_masking_test.ts  masked value is hidden: whole, doubled, and split across writes
mask:variable  e2e/job_masking_test.ts  masked value is hidden in an expanded variable and in a file variable
mask:echo  e2e/job_masking_test.ts  masked value is hidden in the announcement of a command
mask:tokens  e2e/job_masking_test.ts  job token and runner token are hidden
mask:tokens  e2e/job_masking_test.ts  job token is hidden where git would send it: base64 of user and password
mask:credentials  e2e/job_masking_test.ts  password of a registry credential is hidden, plain and in its base64 form
mask:prefixes  e2e/job_masking_test.ts  token prefixes and secret URL parameters are hidden
mask:url-parameters  e2e/job_masking_test.ts  token prefixes and secret URL parameters are hidden
mask:debug-trace  e2e/job_script_test.ts  CI_DEBUG_TRACE shows what the shell does
script:exit-code  e2e/job_script_test.ts  a failed command ends the script with its exit code
script:pipefail  e2e/job_script_test.ts  a command that fails in a pipe ends the script
script:one-shell  e2e/job_script_test.ts  commands are one script: variables, functions and directories stay
script:quoting  e2e/job_script_test.ts  quoting and UTF-8 of commands and values come through
script:stdin  e2e/job_script_test.ts  standard input is empty
script:debug-trace  e2e/job_script_test.ts  CI_DEBUG_TRACE shows what the shell does
script:debug-trace:told  e2e/job_script_test.ts  GitLab is told of a log that CI_DEBUG_TRACE may have put secrets into
script:config-scripts  e2e/job_script_test.ts  hooks and config.toml's scripts run around the sources and the script
script:hooks  e2e/job_script_test.ts  hooks and config.toml's scripts run around the sources and the script
after-script:status  e2e/job_script_test.ts  after_script sees how the job went, not what it exported, and cannot change it
after-script:ignored  e2e/job_script_test.ts  after_script sees how the job went, not what it exported, and cannot change it
after-script:errors-count  e2e/job_script_test.ts  AFTER_SCRIPT_IGNORE_ERRORS=false lets after_script fail the job
after-script:timeout  e2e/job_limits_test.ts  RUNNER_AFTER_SCRIPT_TIMEOUT ends after_script and leaves the job as it is
after-script:fault  faults/fault_in_script_test.ts  custom: a driver that says system failure
after-script:fault  faults/fault_in_script_test.ts  a connection that breaks
after-script:fault  faults/fault_in_script_test.ts  a container that is removed
after-script:fault  faults/fault_in_script_test.ts  shell: a script that cannot be written (needs root)
variables:layers  e2e/job_script_test.ts  variables come in layers: config.toml below the job, the runner's own on top
variables:expansion  e2e/job_script_test.ts  variables come in layers: config.toml below the job, the runner's own on top
variables:expansion  core/job/variables_test.ts  JobVariables expands one level, with the unexpanded values of the others
variables:file  e2e/job_script_test.ts  file variables hold their text, private, and are gone when the job is over
variables:file:removed  e2e/job_script_test.ts  file variables hold their text, private, and are gone when the job is over
variables:file:removed  e2e/better_processes_test.ts  file variables are private while the job runs and gone after a cancel
variables:env-file  e2e/job_script_test.ts  GITLAB_ENV carries variables from the script to after_script
variables:feature-flags  core/config/feature_flags_test.ts  resolveFeatureFlags lets config.toml beat the job
git:fetch  e2e/job_sources_test.ts  fetch brings the job's commit, detached, without a credential on disk
git:no-token-on-disk  e2e/job_sources_test.ts  fetch brings the job's commit, detached, without a credential on disk
git:reuse  e2e/job_sources_test.ts  fetch into the checkout of an earlier job undoes what that did
git:strategies  e2e/job_sources_test.ts  GIT_STRATEGY none, empty and clone do what they say
git:strategy:bad-value  e2e/job_sources_test.ts  GIT_STRATEGY none, empty and clone do what they say
git:depth  e2e/job_sources_test.ts  GIT_DEPTH decides how much history comes
git:refspecs  e2e/job_sources_test.ts  tag and merge request refs are fetched by their refspecs
git:clean-flags  e2e/job_sources_test.ts  GIT_CLEAN_FLAGS and GIT_CHECKOUT are heeded
git:checkout  e2e/job_sources_test.ts  GIT_CLEAN_FLAGS and GIT_CHECKOUT are heeded
git:clone-path:lease  e2e/job_sources_test.ts  jobs that name one GIT_CLONE_PATH have it one after the other
git:clone-path:lease  executors/shell/checkout_lease_test.ts  a checkout that a job has placed is left alone by other jobs, also of other managers
git:clone-path  e2e/job_sources_test.ts  GIT_CLONE_PATH places the checkout inside builds_dir, and nowhere else
git:submodules  e2e/job_sources_test.ts  submodules come with the job's credentials, at every level when recursive
git:submodule-paths  e2e/job_sources_test.ts  GIT_SUBMODULE_PATHS leaves out what it excludes
git:lfs:skip  e2e/job_sources_test.ts  LFS files are left as pointers when GIT_LFS_SKIP_SMUDGE is set
git:lfs  e2e/job_lfs_test.ts  LFS files come with the job's credentials, which their storage does not see
git:lfs:failure  e2e/job_sources_test.ts  LFS files that cannot be had fail the job and name the server
git:sha256  e2e/job_sources_test.ts  SHA-256 repository is fetched, also after a SHA-1 one in the same place
git:attempts  e2e/job_sources_test.ts  a commit that is not there fails the job; GET_SOURCES_ATTEMPTS tries again
git:stale-locks  e2e/job_leftovers_test.ts  stale locks of a job that died do not stop the next
git:clean-config  e2e/job_leftovers_test.ts  planted hooks are not run
git:clean-config  e2e/job_leftovers_test.ts  url.insteadOf and a remote set by an earlier job do not lead elsewhere
cache:round-trip  e2e/job_cache_test.ts  cache is saved and restored, links and modes included
cache:fallback  e2e/job_cache_test.ts  fallback keys are tried in order, CACHE_FALLBACK_KEY last
cache:protected-fallback  e2e/job_cache_test.ts  fallback keys are tried in order, CACHE_FALLBACK_KEY last
cache:policy  e2e/job_cache_test.ts  policy pull saves nothing, policy push restores nothing
cache:when  e2e/job_cache_test.ts  when decides after which end a cache is saved
cache:key:sanitized  e2e/job_cache_test.ts  a key that climbs out of the cache directory is made harmless
cache:never-fails  e2e/job_cache_test.ts  a damaged archive is a warning, and the job goes on
cache:never-fails  e2e/job_cache_test.ts  paths without files are told of and fail nothing
cache:formats  e2e/commands_helpers_test.ts  cache-archiver and cache-extractor keep a directory in a file
artifacts:archive  e2e/job_artifacts_test.ts  archive has files, links and modes, by its expanded name, and without what is excluded
artifacts:expansion  e2e/job_artifacts_test.ts  names and paths are expanded as a shell does it, in the environment of the helper
artifacts:expansion  core/util/expand_word_test.ts  does what a shell does between double quotes
artifacts:reports  e2e/job_artifacts_test.ts  reports go up beside the archive: gzip and raw, each with its type
artifacts:no-files  e2e/job_artifacts_test.ts  reports go up beside the archive: gzip and raw, each with its type
artifacts:when  e2e/job_artifacts_test.ts  when decides after which end artifacts go up
artifacts:untracked  e2e/job_artifacts_test.ts  untracked takes what git does not know
artifacts:dependencies  e2e/job_artifacts_test.ts  archives of earlier jobs are laid out in order before the script
artifacts:dependency:missing  e2e/job_artifacts_test.ts  a missing archive fails the job before its script
artifacts:retry  e2e/job_artifacts_test.ts  upload is tried again after 502; 413 is final and named
artifacts:too-large  e2e/job_artifacts_test.ts  upload is tried again after 502; 413 is final and named
artifacts:redirect  e2e/better_secrets_test.ts  artifacts come from object storage without the job's token
timeout:job  e2e/job_limits_test.ts  job timeout ends the job and its processes, with its own reason
timeout:script  e2e/job_limits_test.ts  RUNNER_SCRIPT_TIMEOUT ends the script; after_script and artifacts still run
cancel:graceful  e2e/job_limits_test.ts  cancel stops the script's processes and runs after_script with its status
cancel:abort  e2e/job_limits_test.ts  forced cancel ends everything, after_script too
cancel:early  e2e/job_limits_test.ts  a job canceled before its script is not run
job:request:pace  core/runner/schedule_test.ts  Schedule asks again at once after a job, and after the check interval without one
job:accept  core/runner/accept_test.ts  acceptJob() asks again after a server error until it knows
job:payload:null  core/job/check_test.ts  JobResponse takes null for everything that may be missing
job:unknown-options  core/job/check_test.ts  checkJob() refuses an unknown executor option with exit code 3 and names it
trace:patch:first  core/trace/uploader_test.ts  sends the first bytes at once and later ones after the interval
trace:patch:range-mismatch  core/trace/uploader_test.ts  goes on at once from where a 416 says, smaller or unknown
trace:patch:interval  core/trace/uploader_test.ts  follows the coordinator's interval, at most 15 minutes
trace:patch:keep-alive  core/trace/uploader_test.ts  sends a sign of life every 30 seconds of silence, with the trace's checksum
trace:final:accepted  core/trace/deliver_test.ts  repeats the same result at the pace of 202 answers
trace:final:validation  core/trace/deliver_test.ts  sends the whole trace again after a 412, following a 416
trace:final:checksum  core/trace/deliver_test.ts  sends all of the trace without a pause, then the result with its checksum
api:retry  core/coordinator/http_test.ts  five attempts are made, with growing pauses, and the last answer counts
api:retry  core/coordinator/http_test.ts  Retry-After is honoured up to a minute
api:queue-value  core/coordinator/job_request_test.ts  requestJob sends the newest non-empty queue value again
api:unhealthy  core/runner/schedule_test.ts  Schedule leaves an entry alone after three refusals, then gives it another series
tls:ca  e2e/bad_input_config_test.ts  a certificate that nobody vouches for is refused, and taken when it is given
run:concurrent  e2e/commands_run_test.ts  concurrent is never exceeded, and is used
run:limit  e2e/commands_run_test.ts  limit of an entry is never exceeded, and is used
run:limit:shared  e2e/run_entries_test.ts  entries of one runner all take its jobs, within one limit, and a reload changes neither
run:request-concurrency:shared  e2e/run_entries_test.ts  entries of one runner have no more requests open than request_concurrency
run:incomplete-entry  e2e/run_entries_test.ts  an entry that lacks its token or address is told by line, and the others work
run:incomplete-entry  core/cli/runner_commands_test.ts  verify, unregister and reset-token go on when an entry cannot be used
run:reload  e2e/commands_run_test.ts  changed limits are in force within a second, without a restart
run:reload  e2e/commands_run_test.ts  an added runner gets jobs, a removed one asks no more, a broken file changes nothing
run:reload:broken  e2e/commands_run_test.ts  an added runner gets jobs, a removed one asks no more, a broken file changes nothing
run:independent-entries  e2e/commands_run_test.ts  a coordinator that hangs and one that is away hold up no other
run:sigquit  e2e/commands_signals_test.ts  SIGQUIT lets running jobs end, takes no other, and exits with 0
run:sigterm  e2e/commands_signals_test.ts  ${"${signal}"} ends running jobs, tells the coordinator, and exits with 0
run:sigterm:twice  e2e/commands_signals_test.ts  a second SIGTERM exits at once, and the next start tells of the job
run:shutdown-timeout  e2e/commands_signals_test.ts  shutdown_timeout bounds the end of jobs that ignore SIGTERM
run:sighup  e2e/commands_signals_test.ts  SIGHUP reads the configuration again and ends nothing
run:token-renewal  core/runner/token_rotation_test.ts  rotationDue() is at three quarters of the token's life
run:token-renewal  faults/identity_test.ts  a token that is being renewed is not lost by ${"${name}"}
run:unhealthy  faults/job_request_refusal_test.ts  fault 14: after as many 403 as the limit the entry pauses for the interval, others do not, then it resumes
log:process  e2e/commands_run_test.ts  the log of run has GitLab Runner's lines about its start, a job and its end
run:sigusr1  e2e/commands_signals_test.ts  SIGUSR1 puts what the process is doing into its log, and the job goes on
run:missing-config  e2e/bad_input_config_test.ts  a missing configuration is named and waited for
exit-code:one  e2e/commands_manage_test.ts  a command line that cannot be understood exits with 1 and names what is wrong
start:home  e2e/surroundings_test.ts  a user without home and without an entry in the user database can run commands (needs root)
register:takes-back  core/cli/register/register_undone_test.ts  takes this manager back at GitLab
register:takes-back  core/cli/register/register_undone_test.ts  leaves a manager alone that another entry of the file needs
run-single:max-builds  e2e/commands_run_test.ts  run-single takes --max-builds jobs and exits
run-single:wait-timeout  e2e/commands_run_test.ts  run-single exits after --wait-timeout without a job
metrics:queuing-threshold  e2e/commands_http_test.ts  a job that waited for longer than monitoring.job_queuing_durations allows is counted
metrics:names  e2e/commands_http_test.ts  metrics have GitLab Runner's names and labels, and count jobs
debug:jobs-list  e2e/commands_http_test.ts  a running job is in /debug/jobs/list and in gitlab_runner_jobs, with its stage
debug:executor-stage  e2e/docker_metrics_test.ts  a running job is listed with what its executor is doing
register:authentication-token  e2e/commands_register_test.ts  register --non-interactive with an authentication token verifies it and writes a private file
register:registration-token  e2e/commands_register_test.ts  register with a registration token makes a runner at GitLab, by flags and by variables
register:prompts  e2e/commands_register_test.ts  register asks on a terminal, does not show the token, and repeats a wrong answer
register:template  e2e/commands_register_test.ts  register fills in from a template what flags leave open
register:unknown-shell  core/cli/register/executor_questions_test.ts  register refuses an unknown shell before it asks GitLab
register:keeps-file  e2e/commands_register_test.ts  register keeps comments, order and unknown keys of the file
verify:empty-url  core/cli/runner_commands_test.ts  narrows by name, url and token, not by variables
verify:messages  e2e/commands_manage_test.ts  verify tells who is valid, and --delete removes only who is not
unregister:name  core/cli/runner_commands_test.ts  --name takes the first of several, and --token the one that has it
unregister:name  core/cli/reset_token_test.ts  --name takes the first of several
unregister:manager  e2e/commands_manage_test.ts  unregister deletes this manager at GitLab, then the entry
reset-token:own  e2e/commands_manage_test.ts  reset-token puts GitLab's new token into the file
list:lines  e2e/commands_manage_test.ts  list names each runner with a short token
lint:findings  e2e/commands_manage_test.ts  lint is content with a good file and lists every problem of a bad one
version:lines  e2e/commands_manage_test.ts  --version prints GitLab Runner's lines in their order
config:no-file  core/cli/runner_commands_test.ts  ${"${command}"} finds no runner where there is no file yet, which is no failure
config:labels  core/config/load_test.ts  refuses labels that GitLab would refuse, with those of the whole file counted in
config:key-case  core/config/toml_edit_test.ts  finds a key in the case in which it is written
config:key-case  core/cli/reset_token_test.ts  writes the new token where the file has the old one, whatever the case of its keys
config:syntax-error  e2e/bad_input_config_test.ts  a TOML syntax error names file, line and column, and ends the program
helper:artifacts  e2e/commands_helpers_test.ts  artifacts-uploader sends what it is told, with credentials of the environment
helper:artifacts  e2e/commands_helpers_test.ts  artifacts-downloader unpacks into the current directory
helper:cache  e2e/commands_helpers_test.ts  cache-archiver and cache-extractor keep a directory in a file
helper:cache-init  e2e/commands_helpers_test.ts  cache-init opens directories to every user
helper:health-check  e2e/commands_helpers_test.ts  health-check waits for a port and says what it dials
helper:read-logs  e2e/commands_helpers_test.ts  read-logs exits with 100 when its file never comes
job:inputs  e2e/job_script_test.ts  inputs of the job come into its script, and a bad expression fails it
git:submodules:leftovers  e2e/job_leftovers_test.ts  a submodule whose .git leads to a repository of an earlier job runs nothing of it
git:submodules:leftovers  e2e/job_leftovers_test.ts  submodules that an earlier job gave up come back
variables:env-file:stale  e2e/job_leftovers_test.ts  a temporary directory that a crash left behind is made anew
git:commit:missing  e2e/job_permissions_test.ts  a commit that is not there is told once, with git's exit code
git:safe-directory  e2e/job_sources_test.ts  safe_directory_checkout names each checkout once in the account's git configuration
tls:job  e2e/job_tls_test.ts  tls-ca-file holds for git, submodules, artifacts and the script
script:profile  e2e/job_script_test.ts  a profile that exits is named as the cause, wherever it is met first
script:release  core/run/plan_test.ts  planJob() expands variables in the step that GitLab makes of "release"
settings:bad  e2e/job_settings_test.ts  settings that cannot be heeded are named in one warning right after the header
git:submodule-strategy:bad  e2e/job_settings_test.ts  a cache policy and a submodule strategy that are none are system failures
cache:policy:bad  e2e/job_settings_test.ts  a cache policy and a submodule strategy that are none are system failures
git:submodule-strategy:bad  core/run/plan_test.ts  planJob() keeps submodules apart from GIT_CHECKOUT, and refuses a strategy it does not know
git:attempts:range  core/run/settings_test.ts  jobSettings() names every bad value in GitLab Runner's words and goes on
cache:hashed  core/run/plan_test.ts  planJob() hashes cache keys with FF_HASH_CACHE_KEYS, and never leaves the cache directory
cache:policy:bad  core/run/plan_test.ts  planJob() refuses a cache policy that is none, and tells of an empty key
cache:failed-extract  core/run/plan_test.ts  planJob() removes what a failed extraction may have left, inside the checkout alone
timeout:sources  e2e/job_limits_test.ts  get_sources_timeout ends the job with its own words
timeout:words  core/run/stage_limit_test.ts  stageLimit() tells of a limit that cannot be, in GitLab Runner's words
docker:keys  executors/docker/create_requests_test.ts  every key is accounted for
docker:labels  executors/docker/create_requests_test.ts  are GitLab Runner's
docker:entrypoint  executors/docker/create_requests_test.ts  has its own entrypoint, the job's, or none
docker:entrypoint:ignoring  e2e/docker_shells_test.ts  a job is told that the entrypoint has not run its script, and ends as that does
docker:oom  e2e/docker_memory_test.ts  a script that meets it fails, and the log says why
docker:privileged  executors/docker/create_requests_test.ts  privileges are for the images that are allowed them
docker:image:options  executors/docker/create_requests_test.ts  has the user and the platform that the job asks for
docker:image:allowed  executors/docker/images/allow_list_test.ts  tells what is allowed before it refuses
docker:image:allowed  e2e/docker_registry_test.ts  images and services that no pattern as it stands matches are refused
docker:image:policies  executors/docker/images/image_store_test.ts  tries a list of policies in turn
docker:image:retries  executors/docker/images/image_store_test.ts  repeats what may pass, and ends in the registry's words
docker:image:auth  executors/docker/images/registry_auth_test.ts  asks the variable, then one of the user's files, then the job's payload
docker:image:auth  e2e/docker_registry_test.ts  the user's config.json logs in, and the job's payload where nothing else does
docker:image:auth-file  e2e/docker_registry_test.ts  DOCKER_AUTH_CONFIG of a job logs in, also as a file
docker:image:auth-match  e2e/docker_registry_test.ts  the longest match wins over an earlier source
docker:image:auth-helper  e2e/docker_registry_test.ts  a credential helper logs in, and a store that lists the registry or does not
docker:image:auth-broken  e2e/docker_registry_test.ts  broken JSON is told of, and the next credentials are used
docker:image:auth-apart  e2e/docker_registry_test.ts  a job without credentials gets no image that others pull at the same time
docker:image:reason  executors/docker/images/image_store_test.ts  does not repeat a refusal, also when the engine calls it a fault of its own
docker:image:reason  e2e/docker_registry_test.ts  a wrong password and none are the job's fault, in the registry's words
docker:image:policy-refused  e2e/docker_registry_test.ts  a policy that is not allowed and an image that is not there are refused
docker:image:auth-line  executors/docker/images/image_store_test.ts  says whose credentials it used, and never what they are
docker:helper-image  e2e/docker_helper_image_test.ts  build, save and load make an image that jobs find by its flavor
docker:helper-image  e2e/docker_helper_image_test.ts  a helper image with nothing but git is given this executable
docker:attempts  faults/docker_gone_test.ts  EXECUTOR_JOB_SECTION_ATTEMPTS: no more often than it says
docker:service:alias  e2e/docker_services_test.ts  a service is waited for by its exposed port and reached by its alias
docker:service:ports  e2e/docker_services_test.ts  a service is waited for by its exposed port and reached by its alias
docker:service:warning  e2e/docker_services_test.ts  a service that does not answer is told of with its log, and the job goes on
docker:service:debug  e2e/docker_services_test.ts  CI_DEBUG_SERVICES puts the services' logs into the job's, masked
docker:service:no-ports  e2e/docker_services_test.ts  a service without ports to ask is ready when it listens on any
docker:service:variables  e2e/docker_services_test.ts  a service has the variables that everybody may see, and those it declares
docker:service:names  executors/docker/job_facts_test.ts  does not start a service that nobody could reach
docker:service:entrypoint  executors/docker/create_requests_test.ts  disable_entrypoint_overwrite holds for services too
docker:network-per-build  e2e/docker_services_test.ts  FF_NETWORK_PER_BUILD: names by the network, which goes with the job
docker:environment-flags  executors/docker/job_facts_test.ts  names a network of its own only where asked to, and none is configured
docker:cache-volumes  e2e/docker_volumes_test.ts  /cache lasts for the jobs of a project, and no other project sees it
docker:cache-volumes  executors/docker/job_facts_test.ts  gives the jobs of a slot the same volumes and no others
docker:volume:open  e2e/docker_volumes_test.ts  all users of a job's containers, its services' too, may write in a volume
docker:volume:variables  executors/docker/job_facts_test.ts  takes volumes as binds or as managed ones, with variables in their paths only
docker:volume:double  executors/docker/job_facts_test.ts  refuses two volumes at one place
docker:volume:protected  executors/docker/job_facts_test.ts  keeps protected caches apart, and does not believe a job that says it is protected
docker:allowed-users  e2e/docker_registry_test.ts  users that are not listed are refused
docker:allowed-users  executors/docker/job_facts_test.ts  refuses a job without image and a user who is not allowed
docker:authority  e2e/docker_authority_test.ts  the helper has its system trust a mounted ca.crt, once
docker:disable-cache  e2e/docker_volumes_test.ts  disable_cache keeps nothing, volume_keep keeps even what is temporary
docker:cache-dir  e2e/docker_volumes_test.ts  binds keep their modes, and cache_dir is a folder of the host
docker:fetch  e2e/docker_volumes_test.ts  a checkout is fetched into by the next job, whoever its user is
exec:old-form  e2e/exec_test.ts  exec takes the old form, executor and job
exec:flags  e2e/exec_test.ts  exec takes the flags of GitLab Runner's exec
ssh:log  e2e/ssh_test.ts  tells a script's exit code in GitLab Runner's words
ssh:host-key  e2e/ssh_test.ts  a server with another key than known_hosts has is refused with both fingerprints
ssh:host-key  e2e/ssh_test.ts  a known_hosts with one of the server's key types is enough
ssh:image  e2e/ssh_test.ts  an image that a job names means nothing here
ssh:host-key  e2e/ssh_test.ts  a server is known by the authority that has signed its key
ssh:login  e2e/ssh_test.ts  an agent logs in where there is neither a key nor a password
ssh:login  core/ssh/connection_test.ts  open() logs in with a password, and a wrong one is refused without it in the message
ssh:login  e2e/ssh_test.ts  an encrypted key needs its passphrase
ssh:variables  e2e/ssh_test.ts  host, port, user and key may be the job's variables
ssh:files  e2e/ssh_test.ts  runs a job from its sources to its artifacts, with a helper that is copied once
ssh:cancel  e2e/ssh_test.ts  a canceled job leaves nothing running
ssh:cancel  e2e/ssh_test.ts  a job whose runner is killed leaves nothing running, and no secret when it is back
ssh:cancel  e2e/ssh_connections_test.ts  a network that carries nothing any more costs seconds here and half a minute there
ssh:cancel  e2e/ssh_servers_test.ts  an order to stop at once ends all that jobs have started, whoever runs them
ssh:login  core/ssh/private_key_test.ts  readPrivateKey() says what to do about a file that is no key of its own
ssh:targets  e2e/ssh_servers_test.ts  a start file that talks is heard, and disturbs nothing
docker-ssh:job  e2e/docker_ssh_executor_test.ts  runs a job from its sources to its artifacts inside its image
ssh:targets  e2e/ssh_targets_test.ts  a canceled job ends at once, after what it has to say
ssh:connections  e2e/ssh_connections_test.ts  a job goes on when its connection breaks between two stages
custom:stages  e2e/plugins_test.ts  runs every stage by the driver's programs, in their order
custom:config  e2e/plugins_test.ts  runs every stage by the driver's programs, in their order
custom:exit-code  e2e/plugins_test.ts  reports the script's own exit code
custom:prepared  e2e/plugins_test.ts  leaves what prepare_exec has started running until the job is over
custom:environment  e2e/custom_contract_test.ts  find the job in their environment, the host's around it, and what config_exec answers
custom:environment  e2e/custom_contract_test.ts  get the text of a file variable, and no services where the job has none
custom:blame  e2e/custom_contract_test.ts  that blame the job in config_exec or prepare_exec fail it at once
custom:codes  e2e/custom_contract_test.ts  that fail for their own reasons in a stage fail the job, and stages that may be are tried again
custom:attempts  e2e/custom_contract_test.ts  that fail for their own reasons in a stage fail the job, and stages that may be are tried again
custom:cleanup  e2e/custom_contract_test.ts  that cannot clean up change nothing, and are heard in the runner's log
custom:cleanup  e2e/plugins_test.ts  runs every stage by the driver's programs, in their order
custom:cleanup  e2e/plugin_entries_test.ts  one that died with a job tidies up when its entry is removed
custom:cleanup  plugins/custom/main_test.ts  customPlugin() says that its clean-up takes as long as cleanup_exec and its end may
custom:cleanup  faults/plugin_test.ts  a host that is killed while a driver floods leaves nothing running
`;
