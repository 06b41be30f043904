/** What reading asks of expressions: `rules:if` decides about includes before jobs are known. */

/**
 * Whether an expression holds. Throws for one that GitLab refuses, whatever the variables are.
 * `variable` gives undefined for a name that is not set.
 */
export type EvaluateExpression = (
  expression: string,
  variable: (name: string) => string | undefined,
) => boolean;
