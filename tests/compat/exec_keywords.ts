/**
 * Every keyword of GitLab's CI reference, and how far `runner exec` goes with it. A line is the
 * keyword, how far, where it takes effect, and what that means; `*` stands for a name of the user's.
 *
 * How far: `done`, as on the server; `partly`, but for what the note says; `named`, read and checked,
 * without an effect here, which is said before the run; `moot`, read and checked, and of no consequence
 * on one machine. Where: `read`, while files are read; `pipeline`, when a pipeline is made of them and
 * its jobs are chosen; `job`, when a job runs.
 */
export const EXEC_KEYWORDS = String.raw`
# Header
spec:inputs                     done    read      Inputs of a file, filled in before anything else is read.
spec:inputs:*:default           done    read      The value where none is given.
spec:inputs:*:description       moot    read      For people who start pipelines by hand.
spec:inputs:*:options           done    read      The values that are allowed.
spec:inputs:*:regex             done    read      What a value has to match.
spec:inputs:*:type              done    read      string, number, boolean or array.
spec:inputs:*:rules             done    read      Options and defaults that depend on other inputs.
spec:component                  done    read      What a component may ask about itself.
spec:include                    done    read      Inputs that several files share.
# Whole file
default                         done    read      Goes into every job that does not say otherwise.
include:local                   done    read      Files of the project, also by pattern.
include:project                 done    read      Fetched, and kept for use without a network.
include:ref                     done    read      A branch, tag or commit of the project.
include:file                    done    read      One file of the project, or several.
include:remote                  done    read      Fetched, and kept for use without a network.
include:template                done    read      Fetched, and kept for use without a network.
include:component               done    read      Fetched, and kept for use without a network.
include:inputs                  done    read      Values for the inputs of the file.
include:rules                   done    read      Whether the file is read at all.
include:integrity               done    read      A checksum of a remote file.
include:cache                   moot    read      Kept until --fetch-includes, whatever it says.
stages                          done    pipeline  The order of the stages; .pre and .post are always there.
variables                       done    pipeline  Global variables.
variables:*:value               done    pipeline  The value of a variable.
variables:*:expand              done    pipeline  False keeps a value as it is written.
variables:*:description         moot    read      For people who start pipelines by hand.
variables:*:options             moot    read      The values to choose from by hand.
workflow:rules                  done    pipeline  Whether there is a pipeline.
workflow:rules:if               done    pipeline  An expression, with GitLab's grammar.
workflow:rules:changes          done    pipeline  Files that differ from what the event is compared with.
workflow:rules:exists           done    pipeline  Files of the project.
workflow:rules:when             done    pipeline  always or never.
workflow:rules:variables        done    pipeline  Global variables, for the rules of jobs as well.
workflow:rules:auto_cancel      done    pipeline  Wins over that of the workflow, one thing at a time.
workflow:name                   done    pipeline  Expanded, and shown.
workflow:auto_cancel:on_new_commit   named   pipeline  No other pipeline is running.
workflow:auto_cancel:on_job_failure  done    pipeline  Ends all other jobs when one fails.
# Jobs
after_script                    done    job       Runs in any case, and does not change the result.
allow_failure                   done    pipeline  A failure that does not fail the pipeline.
allow_failure:exit_codes        done    pipeline  Only with these exit codes.
artifacts:paths                 done    job       Kept, and laid out for later jobs.
artifacts:exclude               done    job       What is not kept.
artifacts:untracked             done    job       Whatever git does not know.
artifacts:when                  done    job       After which end they are kept.
artifacts:name                  done    job       The archive's name.
artifacts:reports               partly  job       dotenv goes into later jobs, junit is counted; others are kept as files.
artifacts:reports:dotenv        done    job       Variables of later jobs.
artifacts:reports:junit         done    job       Counted at the end.
artifacts:reports:coverage_report  moot    read      Kept as a file.
artifacts:expire_in             moot    read      Kept with the last runs.
artifacts:expose_as             named   pipeline  There is no merge request to show it in.
artifacts:access                named   pipeline  Artifacts are files of this machine.
artifacts:public                moot    read      Artifacts are files of this machine.
before_script                   done    job       In front of the script, in the same shell.
cache:paths                     done    job       Restored before the script and saved after it.
cache:key                       done    pipeline  A key with variables.
cache:key:files                 done    job       A key that changes with the files.
cache:key:files_commits         done    job       A key that changes with the last commits of the files.
cache:key:prefix                done    job       In front of a key made of files.
cache:fallback_keys             done    job       Tried in order when there is no cache of the key.
cache:untracked                 done    job       Whatever git does not know.
cache:policy                    done    job       pull, push or both, also by variable.
cache:when                      done    job       After which end it is saved.
cache:unprotect                 named   pipeline  No branch is protected.
coverage                        done    job       Read from the job's log.
dast_configuration              named   read      No scanner is set up.
dependencies                    done    pipeline  Whose artifacts a job gets.
environment:name                partly  pipeline  Sets variables; no deployment is recorded.
environment:url                 partly  pipeline  Expanded, and shown.
environment:action              partly  pipeline  Sets a variable.
environment:on_stop             partly  pipeline  Checked; nothing is stopped by itself.
environment:deployment_tier     partly  pipeline  Sets a variable, and is guessed as on the server.
environment:auto_stop_in        moot    read      No deployment is recorded.
environment:kubernetes          moot    read      There is no cluster of the project.
extends                         done    read      With GitLab's merging and depth.
hooks:pre_get_sources_script    done    job       Runs before the sources are fetched.
identity                        named   read      No server vouches for this machine.
id_tokens                       partly  job       Taken from exec-secrets.toml by their names; those that are missing are named.
image                           done    pipeline  With variables.
image:name                      done    pipeline  With variables.
image:entrypoint                done    job       What the image is started with.
image:docker                    done    job       platform and user.
image:kubernetes                moot    read      There is no cluster.
image:pull_policy               done    job       Which pull policies to use.
inherit:default                 done    read      What of default a job takes.
inherit:variables               done    pipeline  What of the global variables a job takes.
inputs                          done    job       Their defaults, in scripts, images, artifacts and caches.
interruptible                   named   pipeline  No newer pipeline is running.
manual_confirmation             named   pipeline  --manual is the answer.
needs                           done    pipeline  Jobs to wait for instead of the earlier stages.
needs:job                       done    pipeline  The job to wait for.
needs:artifacts                 done    pipeline  Whether their artifacts come along.
needs:optional                  done    pipeline  May be left out of the pipeline.
needs:parallel:matrix           done    pipeline  Some instances of a job.
needs:project                   done    job       The artifacts come along; those that are not to be had are named.
needs:pipeline                  partly  job       Artifacts of jobs of parent and child pipelines; the state of another project's pipeline is not to be had.
only                            done    pipeline  Refs, variables, changes.
only:refs                       done    pipeline  Names, patterns, keywords.
only:variables                  done    pipeline  Expressions.
only:changes                    done    pipeline  Changed files.
only:kubernetes                 named   pipeline  There is no cluster of the project.
except                          done    pipeline  The opposite of only.
except:refs                     done    pipeline  Names, patterns, keywords.
except:variables                done    pipeline  Expressions.
except:changes                  done    pipeline  Changed files.
except:kubernetes               named   pipeline  There is no cluster of the project.
pages                           named   pipeline  The job runs; nothing is published.
pages:publish                   named   read      The directory stays among the artifacts.
pages:path_prefix               named   read      Nothing is published.
pages:expire_in                 named   read      Nothing is published.
publish                         named   read      The directory stays among the artifacts.
parallel                        done    pipeline  As many equal jobs.
parallel:matrix                 done    pipeline  A job for each combination of values.
release                         named   pipeline  The job runs; no release is made.
release:tag_name                named   read      No release is made.
release:tag_message             named   read      No release is made.
release:name                    named   read      No release is made.
release:description             named   read      No release is made.
release:ref                     named   read      No release is made.
release:milestones              named   read      No release is made.
release:released_at             named   read      No release is made.
release:assets:links            named   read      No release is made.
resource_group                  done    pipeline  One job at a time.
retry                           done    pipeline  How often to try again.
retry:max                       done    pipeline  How often to try again.
retry:when                      done    pipeline  After which failures.
retry:exit_codes                done    pipeline  After which exit codes.
rules                           done    pipeline  Whether a job is part of the pipeline.
rules:if                        done    pipeline  An expression, with GitLab's grammar.
rules:changes                   done    pipeline  Files that differ from what the event is compared with.
rules:changes:paths             done    pipeline  Ruby's patterns, as on the server.
rules:changes:compare_to        done    pipeline  A ref to compare with.
rules:exists                    done    pipeline  Files of the project.
rules:exists:paths              done    pipeline  Ruby's patterns, as on the server.
rules:exists:project            done    pipeline  Fetched like included files; also with rules:exists:ref.
rules:exists:ref                done    pipeline  A branch, tag or commit of that project.
rules:when                      done    pipeline  When the job runs.
rules:start_in                  done    pipeline  How long a delayed job waits.
rules:allow_failure             done    pipeline  Wins over that of the job.
rules:variables                 done    pipeline  Win over those of the job.
rules:needs                     done    pipeline  Take the place of those of the job.
rules:interruptible             done    pipeline  Wins over that of the job.
run                             named   pipeline  A job made of steps is skipped.
script                          done    job       The commands of the job.
secrets                         partly  job       Taken from exec-secrets.toml by their names; those that are missing are named.
secrets:*:vault                 partly  job       The value is the one in exec-secrets.toml.
secrets:*:azure_key_vault       partly  read      The value is the one in exec-secrets.toml.
secrets:*:gcp_secret_manager    partly  read      The value is the one in exec-secrets.toml.
secrets:*:aws_secrets_manager   partly  read      The value is the one in exec-secrets.toml.
secrets:*:akeyless              partly  read      The value is the one in exec-secrets.toml.
secrets:*:gitlab_secrets_manager  partly  read      The value is the one in exec-secrets.toml.
secrets:*:file                  done    job       False: the value itself instead of a file.
secrets:*:token                 moot    read      No vault is asked.
services                        done    pipeline  Containers beside the job, with variables.
services:*:alias                done    job       Names of a service.
services:*:command              done    job       What a service runs.
services:*:entrypoint           done    job       What a service is started with.
services:*:variables            done    job       Only for the service.
services:*:pull_policy          done    job       Which pull policies to use.
services:*:docker               done    read      platform and user.
services:*:kubernetes           moot    read      There is no cluster.
stage                           done    pipeline  Which stage a job belongs to.
start_in                        done    pipeline  How long a delayed job waits.
tags                            named   pipeline  All jobs run on this machine.
timeout                         done    job       Ends a job that takes longer.
trigger                         done    job       A pipeline inside the pipeline.
trigger:include                 done    job       Files of the project, of elsewhere, or of an earlier job's artifacts.
trigger:include:inputs          done    read      Inputs of one of its files.
trigger:inputs                  done    read      Inputs of the pipeline's files.
trigger:project                 named   pipeline  A pipeline of another project is not started: the job is skipped.
trigger:branch                  named   read      A pipeline of another project is not started.
trigger:strategy                done    job       Whether the job waits for its pipeline, and ends as it does.
trigger:forward                 done    job       Which variables the pipeline gets.
when                            done    pipeline  on_success, on_failure, always, manual, delayed.
`;
