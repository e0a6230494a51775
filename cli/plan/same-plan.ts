import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import * as v from 'valibot';
import { type Preview, previewSchema } from '../../lib/preflight/preview.ts';
import type { Operation } from '../../lib/subscribers/operations.ts';
import { planOf } from '../aws/plans.ts';
import { CommandError, usageError } from '../command-error.ts';
import type { Request } from '../request.ts';
import type { Session } from '../session.ts';
import type { Deployment } from '../target/deployment.ts';
import type { Reachable } from '../target/target.ts';
import { planDifferences } from '../view/plan/plan-differences.ts';
import { showing } from '../view/terminal.ts';

/** A plan that somebody has agreed to. */
export interface AgreedPlan {
  hash: string;
  /** The plan itself; undefined where only its hash is known. */
  preview?: Preview;
}

/**
 * What stands after --plan: a hash, or a file with the document of `plan --json`.
 * @throws CommandError named InvalidRequest when it is neither
 */
export async function readAgreedPlan(text: string, folder: string): Promise<AgreedPlan> {
  if (/^[0-9a-f]{64}$/.test(text)) return { hash: text };
  const content = await readFile(resolve(folder, text), 'utf8').catch(() => undefined);
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), previewSchema), content);
  if (!parsed.success) {
    throw usageError(`--plan takes the hash of a plan, or a file with what \`plan --json\` printed, not '${text}'`);
  }
  return { hash: parsed.output.hash, preview: parsed.output };
}

/**
 * Plans a request again, immediately before its start.
 * @throws CommandError named PlanChanged when it would not do any more what was agreed to, and as `planOf` throws
 */
export async function requireSamePlan(
  agreed: AgreedPlan,
  planned: { operation: Operation; request: Request },
  at: { target: Reachable; deployment: Deployment },
  session: Session,
): Promise<void> {
  const now = await showing(session.terminal, 'Comparing with the plan …', () => planOf(planned, at));
  if (now.hash === agreed.hash) return;
  throw new CommandError(
    'PlanChanged',
    `the request would not do what was planned:${reasonsOf(agreed, now)}`,
    'Nothing was started. Look at the plan of now (`plan`), and start the request with its hash.',
  );
}

/** In the same line, or each difference in one of its own. */
function reasonsOf({ hash, preview }: AgreedPlan, now: Preview): string {
  if (preview === undefined) {
    return ` its hash is ${now.hash} now. Only the hash of the earlier plan is known; with a file of \`plan --json\` in its place it is said what has changed`;
  }
  const differences = planDifferences(preview, now);
  if (differences.length > 0) return ['', ...differences].join('\n');
  return ` its hash is ${now.hash} now, and was ${hash}. All that a plan shows is the same: the request itself is another, or the subscriber or its stack stands otherwise`;
}
