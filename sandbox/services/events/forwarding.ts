import type { AccountRegion } from '../../core/account.ts';
import { type Access, AwsError, type Caller } from '../../core/operation.ts';
import type { Accounts } from '../iam/accounts.ts';
import type { Deliverer, Event } from './bus-store.ts';
import type { Events } from './service.ts';

interface Parts {
  accounts: Pick<Accounts, 'iam'>;
  authorize: (caller: Caller, access: Access) => void;
  events: (home: AccountRegion) => Pick<Events, 'busPolicy' | 'receive'>;
}

/**
 * Hands events to buses in other accounts and Regions, with the role of the rule's target and, from another account, as far as the
 * bus's policy allows it: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cross-account.html
 * @returns whether the event may be put there; else it is lost
 */
export function createForwarding({ accounts, authorize, events }: Parts) {
  return (busArn: string, event: Event, { roleArn = '', ruleArn }: Deliverer): boolean => {
    const [, , , region = '', accountId = '', resource = ''] = busArn.split(':');
    const bus = resource.slice('event-bus/'.length);
    const destination = events({ accountId, region });
    const resourcePolicy = destination.busPolicy(bus);
    try {
      const caller = accounts.iam(event.account).serviceCaller(roleArn, 'events.amazonaws.com', event.region, ruleArn);
      authorize(caller, {
        action: 'events:PutEvents',
        resource: busArn,
        context: { 'events:source': event.source, 'events:detail-type': event['detail-type'] },
        resourceAccountId: accountId,
        ...(resourcePolicy !== undefined && { resourcePolicy }),
      });
    } catch (error) {
      if (error instanceof AwsError) return false;
      throw error;
    }
    destination.receive(event, bus);
    return true;
  };
}
