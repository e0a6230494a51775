import * as v from 'valibot';
import { canonical } from '../../lib/keys/canonical.ts';
import type { PolicyBackup } from '../../lib/keys/policy-backups.ts';

/** How many statements differ from one policy to the next; those with the same Sid are one that changed. */
export interface StatementChanges {
  added: number;
  removed: number;
  changed: number;
}

/** What changed between two policies, whatever the order in which KMS returns them. */
export function statementChanges(before: unknown, after: unknown): StatementChanges {
  const [old, current] = [statementsOf(before), statementsOf(after)];
  return {
    added: [...current.keys()].filter((key) => !old.has(key)).length,
    removed: [...old.keys()].filter((key) => !current.has(key)).length,
    changed: [...current].filter(([key, statement]) => old.has(key) && old.get(key) !== statement).length,
  };
}

/** A kept document as what it says, or as it is when it is no JSON. */
export function documentOf({ policy }: Pick<PolicyBackup, 'policy'>): unknown {
  try {
    return JSON.parse(policy);
  } catch {
    return policy;
  }
}

const statementSchema = v.object({ Sid: v.pipe(v.string(), v.nonEmpty()) });

/** The statements in a canonical form, by their Sids; those without one by themselves. */
function statementsOf(policy: unknown): Map<string, string> {
  const result = v.safeParse(v.object({ Statement: v.unknown() }), policy);
  const statements = result.success ? [result.output.Statement].flat() : [];
  return new Map(
    statements.map((statement) => {
      const text = canonical(statement);
      return [v.is(statementSchema, statement) ? `Sid ${statement.Sid}` : text, text];
    }),
  );
}
