import { canonicalPolicy, type DiffLine } from '../../lib/key-policy-diff.ts';

/** What changed of a key policy, in one line: a statement, or who is named in it. */
export interface PolicyChange {
  kind: Extract<DiffLine['kind'], 'added' | 'removed'> | 'changed';
  text: string;
}

/**
 * What changed between two key policies, statement by statement; empty when they mean the same. Statements are identified by
 * their Sids, those without one by what they say.
 */
export function summarizeKeyPolicies(before: unknown, after: unknown): PolicyChange[] {
  const [old, current] = [statementsOf(before), statementsOf(after)];
  const added = [...current].flatMap(([id, statement]): PolicyChange[] => {
    const former = old.get(id);
    if (former === undefined) return [{ kind: 'added', text: describe(statement) }];
    return JSON.stringify(former) === JSON.stringify(statement) ? [] : changes(former, statement);
  });
  const removed = [...old].flatMap(([id, statement]): PolicyChange[] =>
    current.has(id) ? [] : [{ kind: 'removed', text: describe(statement) }],
  );
  const all = [...added, ...removed];
  const differs = JSON.stringify(canonicalPolicy(before)) !== JSON.stringify(canonicalPolicy(after));
  return all.length === 0 && differs ? [{ kind: 'changed', text: 'elements beside the statements' }] : all;
}

type Statement = Record<string, unknown>;

function statementsOf(policy: unknown): Map<string, Statement> {
  const canonical = canonicalPolicy(policy);
  const list = isRecord(canonical) && Array.isArray(canonical.Statement) ? canonical.Statement : [];
  return new Map(
    list
      .filter(isRecord)
      .map((statement): [string, Statement] => [
        typeof statement.Sid === 'string' && statement.Sid !== '' ? `Sid ${statement.Sid}` : JSON.stringify(statement),
        statement,
      ]),
  );
}

/** Who came into a statement and who went out of it, or that something else of it changed. */
function changes(former: Statement, statement: Statement): PolicyChange[] {
  const [old, current] = [principalsOf(former), principalsOf(statement)];
  const of = `${nameOf(statement)}: `;
  const named: PolicyChange[] = [
    ...current.filter((one) => !old.includes(one)).map((one) => ({ kind: 'added', text: of + one }) as const),
    ...old.filter((one) => !current.includes(one)).map((one) => ({ kind: 'removed', text: of + one }) as const),
  ];
  const rest = ({ Principal: _, ...others }: Statement) => JSON.stringify(others);
  return named.length > 0 && rest(former) === rest(statement)
    ? named
    : [...named, { kind: 'changed', text: nameOf(statement) }];
}

function describe(statement: Statement): string {
  const principals = principalsOf(statement);
  return principals.length === 0 ? nameOf(statement) : `${nameOf(statement)} (${principals.join(', ')})`;
}

function nameOf({ Sid, Effect }: Statement): string {
  return typeof Sid === 'string' && Sid !== '' ? `statement "${Sid}"` : `statement without a Sid (${String(Effect)})`;
}

/** Whom a statement names, roles by their names alone. */
function principalsOf({ Principal }: Statement): string[] {
  const values = isRecord(Principal) ? Object.values(Principal).flat() : [Principal].flat();
  return values
    .filter((value) => typeof value === 'string')
    .map((value) => {
      const [, kind, name] = /^arn:[^:]*:iam::\d*:(role|user)\/(?:.*\/)?([^/]+)$/.exec(value) ?? [];
      return kind === undefined ? value : `${kind} ${name}`;
    });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
