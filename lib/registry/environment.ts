import * as v from 'valibot';

/** The environment of a function that needs nothing but the registry. */
export const registryEnvironmentSchema = v.object({ REGISTRY_TABLE: v.string() });
