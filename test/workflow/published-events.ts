import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import * as v from 'valibot';
import { eventSchemas } from '../../lib/subscribers/event-schemas.ts';
import type { Sandbox } from '../../sandbox/boot.ts';
import { eventSchemaFiles } from '../../scripts/draw/event-schemas.ts';

const details = new Map<string, v.GenericSchema>(Object.entries(eventSchemas));
const files = eventSchemaFiles();
// Compiled when the first event of a type is looked at: most files of tests publish few.
const compiled = new Map<string, ValidateFunction>();
// A description may stand beside anything, and formats are for people.
const ajv = new Ajv2020({ strict: false, validateFormats: false });

function validatorOf(type: string): ValidateFunction | undefined {
  const schema = files.get(`events/${type}.json`);
  if (schema === undefined) return undefined;
  const validate = compiled.get(type) ?? ajv.compile(schema);
  compiled.set(type, validate);
  return validate;
}

/**
 * What is wrong with the project's own events: those of a detail type without a schema, or that break it: the published JSON Schema, or the one
 * that also knows that there are no other fields.
 */
export function malformedEvents({ events }: Pick<Sandbox, 'events'>): string[] {
  return events
    .published()
    .filter(({ source }) => source === 'infinstor.onboarding')
    .flatMap((event) => {
      const { 'detail-type': type, detail } = event;
      const schema = details.get(type);
      const validate = validatorOf(type);
      if (schema === undefined || validate === undefined) return [`${type} has no schema`];
      const { issues = [] } = v.safeParse(schema, detail);
      return [
        ...issues.map((issue) => `${type}: ${v.getDotPath(issue)}: ${issue.message}`),
        ...(validate(event) ? [] : [`${type}: ${ajv.errorsText(validate.errors)}`]),
      ];
    });
}
