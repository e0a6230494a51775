import * as v from 'valibot';
import { arnAt, type OnAccess, parseProperties, type ResourceProvider } from '../../core/resource-provider.ts';
import type { Events } from './service.ts';

interface Parts {
  events: Pick<Events, 'addBus' | 'deleteBus' | 'busArn' | 'setBusPolicy' | 'removeBusPolicy'>;
  onAccess: OnAccess;
}

const busProperties = v.strictObject({ Name: v.string() });

/** `AWS::Events::EventBus`. Fails on a name that is taken. */
export function busProvider({ events, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { Name } = parseProperties(busProperties, context);
    const resource = arnAt(context.caller, 'events', `event-bus/${Name}`);
    const isNew = context.previous === undefined;
    onAccess(context.caller, { action: isNew ? 'events:CreateEventBus' : 'events:UpdateEventBus', resource });
    return {
      physicalId: Name,
      attributes: { Arn: isNew ? events.addBus(Name) : events.busArn(Name), Name },
      delete(by) {
        onAccess(by, { action: 'events:DeleteEventBus', resource });
        events.deleteBus(Name);
      },
    };
  };
}

const busPolicyProperties = v.strictObject({
  EventBusName: v.string(),
  StatementId: v.string(),
  Statement: v.record(v.string(), v.unknown()),
});

/** `AWS::Events::EventBusPolicy`: the one statement of a bus's policy. Fails when the bus does not exist. */
export function busPolicyProvider({ events, onAccess }: Parts): ResourceProvider {
  return async (context) => {
    const { EventBusName, StatementId, Statement } = parseProperties(busPolicyProperties, context);
    const resource = arnAt(context.caller, 'events', `event-bus/${EventBusName}`);
    onAccess(context.caller, { action: 'events:PutPermission', resource });
    events.setBusPolicy(EventBusName, { Version: '2012-10-17', Statement: [{ Sid: StatementId, ...Statement }] });
    return {
      physicalId: StatementId,
      attributes: {},
      delete(by) {
        onAccess(by, { action: 'events:RemovePermission', resource });
        events.removeBusPolicy(EventBusName);
      },
    };
  };
}
