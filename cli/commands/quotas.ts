import { getQuotas } from '../aws/room.ts';
import type { Outcome } from '../command.ts';
import { usageError } from '../command-error.ts';
import type { Session } from '../session.ts';
import { findDeployment } from '../target/deployment.ts';
import { quotasText } from '../view/room/quotas-text.ts';

interface Options {
  account?: string | undefined;
  'stack-region'?: string | undefined;
}

/**
 * Shows what AWS still lets each account have, and how many subscribers fit.
 * @throws CommandError named InvalidRequest for an account or a Region that the deployment does not onboard into; as `askFunction` throws
 */
export async function quotas(
  { options: { account: accountId, 'stack-region': region } }: { options: Options },
  session: Session,
): Promise<Outcome> {
  if (accountId !== undefined && !/^\d{12}$/.test(accountId)) {
    throw usageError(`--account takes the 12 digits of an account, not '${accountId}'`);
  }
  const target = await session.reach();
  const found = await getQuotas({ accountId, region }, { target, deployment: await findDeployment(target) });
  return { document: { ...found, error: null }, text: quotasText(found, session.terminal) };
}
