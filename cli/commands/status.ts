import { getSubscriber } from '../aws/functions.ts';
import type { Outcome } from '../command.ts';
import type { Session } from '../session.ts';
import { findDeployment } from '../target/deployment.ts';
import { statusText } from '../view/status-text.ts';

/** How a subscriber stands. @throws CommandError named SubscriberNotFound for one that the deployment does not know */
export async function status([userName = '']: readonly string[], session: Session): Promise<Outcome> {
  const target = await session.reach();
  const found = await getSubscriber(userName, { target, deployment: await findDeployment(target) });
  return { document: { ...found, error: found.error ?? null }, text: statusText(found, session, session.terminal) };
}
