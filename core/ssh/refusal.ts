/** Why trying again is of no use. */

import { SystemFailure } from "../errors.ts";

/** The configuration or the server has given an answer that another try would meet as well. */
export class SshRefusal extends SystemFailure {}
