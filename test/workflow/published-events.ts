import * as v from 'valibot';
import { eventSchemas } from '../../lib/subscribers/events.ts';
import type { Sandbox } from '../../sandbox/boot.ts';

const schemas = new Map<string, v.GenericSchema>(Object.entries(eventSchemas));

/** What is wrong with the project's own events: those of a detail type without a schema, or with a detail that breaks it. */
export function malformedEvents({ events }: Pick<Sandbox, 'events'>): string[] {
  return events
    .published()
    .filter(({ source }) => source === 'infinstor.onboarding')
    .flatMap(({ 'detail-type': type, detail }) => {
      const schema = schemas.get(type);
      if (schema === undefined) return [`${type} has no schema`];
      const { issues = [] } = v.safeParse(schema, detail);
      return issues.map((issue) => `${type}: ${v.getDotPath(issue)}: ${issue.message}`);
    });
}
