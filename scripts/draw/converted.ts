import { toJsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';

/**
 * Of what a parser takes. Its transformations, and checks by code, have no counterpart in a JSON Schema: what each check asks for is in
 * the description, in its own words.
 * @param typeMode `input` where what is parsed is transformed; else pipes of several schemas, which all apply to what is given
 */
export function inputOf(
  schema: v.GenericSchema<unknown, unknown>,
  typeMode: 'input' | 'ignore' = 'input',
  target: 'draft-07' | 'draft-2020-12' = 'draft-07',
) {
  const { $schema: _, ...converted } = toJsonSchema(schema, {
    target,
    typeMode,
    errorMode: 'ignore',
    overrideAction({ valibotAction, jsonSchema }) {
      const message = 'message' in valibotAction ? valibotAction.message : undefined;
      // That it is an object at all, before its own schema, need not be explained.
      if (typeof message !== 'string' || Object.keys(jsonSchema).length === 0) return undefined;
      const rules = [...(jsonSchema.description?.split('; ') ?? []), message];
      return { ...jsonSchema, description: [...new Set(rules)].join('; ') };
    },
  });
  return converted;
}

/** A later version may have more members: who reads a document or an event by its schema takes them, too. */
export function open(schema: object): object {
  return JSON.parse(
    JSON.stringify(schema, (key, value) => (key === 'additionalProperties' && value === false ? undefined : value)),
  );
}
