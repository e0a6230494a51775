/**
 * A check together with what it asks for in JSON Schema, for the schemas that are published: what code does cannot be read out of it.
 * @param check one of valibot's actions, which stays as it is
 * @param jsonSchema the keywords that refuse what the check refuses
 */
export function asJsonSchema<Check extends object>(
  check: Check,
  jsonSchema: Readonly<Record<string, unknown>>,
): Check & { readonly jsonSchema: Readonly<Record<string, unknown>> } {
  return { ...check, jsonSchema };
}
