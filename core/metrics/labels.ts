/** Label names that several metrics share. */

/** Labels of one runner entry. */
export const RUNNER_LABELS = ["runner", "runner_name", "system_id"] as const;
