import * as v from 'valibot';
import { CommandError } from '../command-error.ts';
import type { Deployment } from '../target/deployment.ts';
import type { Reachable } from '../target/target.ts';
import { askFunction } from './functions.ts';

interface Place {
  target: Reachable;
  deployment: Deployment;
}

const errorSchema = v.object({ name: v.string(), message: v.string(), remedy: v.string() });
const failedSchema = v.looseObject({ error: errorSchema });
const fits = v.nullable(v.number());

const quotaSchema = v.looseObject({
  name: v.string(),
  used: v.nullable(v.number()),
  limit: v.nullable(v.number()),
  default: v.optional(v.object({ limit: v.number(), source: v.string() })),
  errors: v.optional(v.array(v.object({ name: v.string(), message: v.string() }))),
  reserve: v.optional(v.number()),
  subscribersThatFit: fits,
  askFor: v.string(),
});
const homeSchema = v.object({ accountId: v.string(), region: v.string() });

/** What there is room for, as `GET /quotas` returns it. */
export const quotasSchema = v.looseObject({
  accounts: v.array(
    v.union([
      v.looseObject({ ...homeSchema.entries, ...failedSchema.entries }),
      v.looseObject({
        ...homeSchema.entries,
        quotas: v.array(quotaSchema),
        subscribersThatFit: fits,
        narrowest: v.nullable(v.string()),
      }),
    ]),
  ),
  keys: v.array(
    v.union([
      v.looseObject({ keyArn: v.string(), ...failedSchema.entries }),
      v.looseObject({ keyArn: v.string(), freeBytes: v.number(), subscribersThatFit: fits }),
    ]),
  ),
});

/** What accounts have left of AWS's quotas, and keys of their policies. */
export type Quotas = v.InferOutput<typeof quotasSchema>;

/**
 * What there is room for.
 * @param only the account and Region that is asked for
 * @throws CommandError named InvalidRequest when the deployment does not onboard there; as `askFunction` throws
 */
export async function getQuotas(
  { accountId, region }: { accountId: string | undefined; region: string | undefined },
  at: Place,
): Promise<Quotas> {
  const queryStringParameters = {
    ...(accountId !== undefined && { accountId }),
    ...(region !== undefined && { region }),
  };
  return v.parse(quotasSchema, await askFunction('get-quotas', { queryStringParameters }, at));
}

/** How a key stands, as `GET /keys/{keyId}` returns it. */
export const keyRoomSchema = v.looseObject({
  policyBytes: v.nullable(v.number()),
  limitBytes: v.nullable(v.number()),
  reservedBytes: v.nullable(v.number()),
  freeBytes: v.nullable(v.number()),
  /** Null: any number. */
  subscribersThatFit: fits,
  grants: v.array(
    v.looseObject({
      userName: v.optional(v.string()),
      roleArn: v.string(),
      state: v.optional(v.string()),
      statements: v.optional(v.array(v.string())),
    }),
  ),
  drift: v.nullable(v.array(v.looseObject({ kind: v.string(), name: v.string(), message: v.optional(v.string()) }))),
  driftUnknown: v.optional(v.string()),
});

export type KeyRoom = v.InferOutput<typeof keyRoomSchema>;

/**
 * How a key stands, or why that is not known.
 * @returns null of a key that the deployment does not know, and from a deployment that has no such function
 * @throws CommandError when nothing answers
 */
export async function getKeyRoom(
  keyArn: string,
  at: Place,
): Promise<KeyRoom | { error: v.InferOutput<typeof errorSchema> } | null> {
  try {
    return v.parse(keyRoomSchema, await askFunction('get-key', { pathParameters: { keyId: keyArn } }, at));
  } catch (error) {
    if (!(error instanceof CommandError) || error.name === 'EndpointUnreachable') throw error;
    const { name, message, remedy } = error;
    return /^(ResourceNotFoundException|KeyNotFound)$/.test(name) ? null : { error: { name, message, remedy } };
  }
}
