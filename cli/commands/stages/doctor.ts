import packageJson from '../../../package.json' with { type: 'json' };
import type { Outcome } from '../../command.ts';
import { examine } from '../../doctor/examine.ts';
import type { Finding } from '../../doctor/finding.ts';
import { findingText, verdict } from '../../doctor/text.ts';
import type { Session } from '../../session.ts';
import type { Reachable } from '../../target/target.ts';

/**
 * Looks at a stage as it is, and says of each thing how it is, why, and what mends it.
 * @returns with status 1 when something fails
 */
export async function doctor(
  { options: { key = [] } }: { options: { key?: string[] | undefined } },
  session: Session,
): Promise<Outcome> {
  const checks = await examineShowing(await session.reach(), key, session);
  return { document: { checks }, text: `\n${verdict(checks)}`, status: statusOf(checks) };
}

/** Looks at a stage, and shows each finding as it comes. */
export function examineShowing(target: Reachable, keyArns: readonly string[], session: Session): Promise<Finding[]> {
  const { terminal } = session;
  return examine(target, { keyArns, version: packageJson.version }, session, (finding) =>
    terminal.write(findingText(finding, terminal)),
  );
}

/** The exit status. */
export const statusOf = (checks: readonly Finding[]) => (checks.some(({ outcome }) => outcome === 'fail') ? 1 : 0);
