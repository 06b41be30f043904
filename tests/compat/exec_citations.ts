/** Which tests run jobs with a keyword: a keyword, a file below tests/, a test's name. */
export const EXEC_CITATIONS = String.raw`
hooks:pre_get_sources_script  e2e/exec_keywords_test.ts  exec runs hooks, before_script, script and after_script in their order
before_script  e2e/exec_keywords_test.ts  exec runs hooks, before_script, script and after_script in their order
script  e2e/exec_keywords_test.ts  exec runs hooks, before_script, script and after_script in their order
after_script  e2e/exec_keywords_test.ts  exec runs hooks, before_script, script and after_script in their order
variables  e2e/exec_keywords_test.ts  exec expands variables in each other before the job sees them
variables:*:expand  e2e/exec_keywords_test.ts  exec expands variables in each other before the job sees them
artifacts:paths  e2e/exec_keywords_test.ts  exec keeps the artifacts that a job names, for the jobs that want them
artifacts:exclude  e2e/exec_keywords_test.ts  exec keeps the artifacts that a job names, for the jobs that want them
artifacts:untracked  e2e/exec_keywords_test.ts  exec keeps the artifacts that a job names, for the jobs that want them
artifacts:when  e2e/exec_keywords_test.ts  exec keeps the artifacts that a job names, for the jobs that want them
artifacts:name  e2e/exec_keywords_test.ts  exec keeps the artifacts that a job names, for the jobs that want them
dependencies  e2e/exec_keywords_test.ts  exec keeps the artifacts that a job names, for the jobs that want them
needs:artifacts  e2e/exec_keywords_test.ts  exec keeps the artifacts that a job names, for the jobs that want them
artifacts:reports  e2e/exec_keywords_test.ts  exec hands dotenv reports on, as far as artifacts go
environment:url  e2e/exec_keywords_test.ts  exec hands dotenv reports on, as far as artifacts go
cache:paths  e2e/exec_keywords_test.ts  exec keeps caches from run to run, as their policies say
cache:key  e2e/exec_keywords_test.ts  exec keeps caches from run to run, as their policies say
cache:fallback_keys  e2e/exec_keywords_test.ts  exec keeps caches from run to run, as their policies say
cache:untracked  e2e/exec_keywords_test.ts  exec keeps caches from run to run, as their policies say
cache:policy  e2e/exec_keywords_test.ts  exec keeps caches from run to run, as their policies say
cache:when  e2e/exec_keywords_test.ts  exec keeps caches from run to run, as their policies say
secrets  e2e/exec_test.ts  exec hands secrets of the user to the jobs that ask for them, in files
id_tokens  e2e/exec_test.ts  exec hands id_tokens of the user to the jobs that ask for them
inputs  e2e/exec_keywords_test.ts  exec fills in the inputs of a job, and tells the commands as they are run
coverage  e2e/exec_keywords_test.ts  exec reads coverage with RE2's expressions, from the end of the log
rules:exists:project  e2e/exec_includes_test.ts  exec looks at the files of other projects for rules
artifacts:reports:dotenv  e2e/exec_keywords_test.ts  exec takes a dotenv report's values as they are, and expands what they name
artifacts:reports  e2e/exec_keywords_test.ts  exec fails a job whose report GitLab could not read, and says why
artifacts:reports:dotenv  e2e/exec_keywords_test.ts  exec hands dotenv reports on, as far as artifacts go
artifacts:reports:junit  e2e/exec_test.ts  exec tells coverage, caches, retries and the counts of test reports
cache:key:files_commits  e2e/exec_keywords_test.ts  exec makes keys of caches from files, or from their commits
secrets:*:vault  e2e/exec_test.ts  exec hands secrets of the user to the jobs that ask for them, in files
secrets:*:file  e2e/exec_test.ts  exec hands secrets of the user to the jobs that ask for them, in files
needs:project  e2e/exec_replay_test.ts  exec gives a job the artifacts of other projects that it needs, and names those it cannot get
needs:pipeline  e2e/exec_child_test.ts  exec hands artifacts of a parent's jobs to a child pipeline that needs them
workflow:auto_cancel:on_job_failure  e2e/exec_keywords_test.ts  exec ends all jobs when one fails, where the workflow says so
timeout  e2e/exec_keywords_test.ts  exec ends a job after its timeout, and finds its coverage
coverage  e2e/exec_keywords_test.ts  exec ends a job after its timeout, and finds its coverage
retry:exit_codes  e2e/exec_keywords_test.ts  exec tries again, lets fail, and goes on as the jobs say
allow_failure:exit_codes  e2e/exec_keywords_test.ts  exec tries again, lets fail, and goes on as the jobs say
parallel:matrix  e2e/exec_keywords_test.ts  exec tries again, lets fail, and goes on as the jobs say
rules:if  e2e/exec_keywords_test.ts  exec tries again, lets fail, and goes on as the jobs say
needs  e2e/exec_keywords_test.ts  exec tries again, lets fail, and goes on as the jobs say
when  e2e/exec_keywords_test.ts  exec tries again, lets fail, and goes on as the jobs say
image  e2e/exec_docker_test.ts  exec runs an image and its services as the job says
image:name  e2e/exec_docker_test.ts  exec runs an image and its services as the job says
image:entrypoint  e2e/exec_docker_test.ts  exec runs an image and its services as the job says
image:docker  e2e/exec_docker_test.ts  exec runs an image and its services as the job says
image:pull_policy  e2e/exec_docker_test.ts  exec runs an image and its services as the job says
services  e2e/exec_docker_test.ts  exec runs an image and its services as the job says
services:*:pull_policy  e2e/exec_docker_test.ts  exec runs an image and its services as the job says
services:*:alias  e2e/exec_docker_test.ts  exec runs an image and its services as the job says
services:*:command  e2e/exec_docker_test.ts  exec runs an image and its services as the job says
services:*:entrypoint  e2e/exec_docker_test.ts  exec runs an image and its services as the job says
services:*:variables  e2e/exec_docker_test.ts  exec runs an image and its services as the job says
include:project  e2e/exec_includes_test.ts  exec includes files of projects, components and other hosts, offline the next time
include:remote  e2e/exec_includes_test.ts  exec includes files of projects, components and other hosts, offline the next time
include:component  e2e/exec_includes_test.ts  exec includes files of projects, components and other hosts, offline the next time
trigger  e2e/exec_child_test.ts  exec runs child pipelines, and a failing child fails the job that waits for it
trigger:include  e2e/exec_child_test.ts  exec runs child pipelines, and a failing child fails the job that waits for it
trigger:strategy  e2e/exec_child_test.ts  exec runs child pipelines, and a failing child fails the job that waits for it
trigger:forward  e2e/exec_child_test.ts  exec runs child pipelines, and a failing child fails the job that waits for it
cache:key:files  e2e/exec_keywords_test.ts  exec keeps caches from run to run, as their policies say
cache:key:prefix  e2e/exec_keywords_test.ts  exec keeps caches from run to run, as their policies say
artifacts:reports  e2e/exec_test.ts  exec tells coverage, caches, retries and the counts of test reports
coverage  e2e/exec_test.ts  exec tells coverage, caches, retries and the counts of test reports
`;
