import { setTimeout as wait } from 'node:timers/promises';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import type * as v from 'valibot';
import { type AccountsContext, perAccountRegion } from '../aws/account-region-clients.ts';
import type { AccountRegion } from '../aws/arns.ts';
import { onceConfig } from '../aws/clients.ts';
import { documentClient } from '../registry/document-client.ts';
import type { Registry } from '../registry/table.ts';
import { keyAccess } from './access-environment.ts';
import type { KeyAccess } from './key-policy.ts';
import type { reconcilerEnvironmentSchema } from './reconciler-environment.ts';

/** What the reconciler works with. */
export interface Reconciler {
  kms: KMSClient;
  /** A client that does not repeat calls: see writeKeyPolicy. */
  kmsOnce: KMSClient;
  iam: IAMClient;
  /** Resolves when `kmsOnce` has credentials: those of another account are asked for at its first call, which may take long. */
  prepareOnce(): Promise<unknown>;
  registry: Registry;
  access: KeyAccess;
  /** The deployment's id, by which owners mark keys as its own. */
  deployment: string;
  clock: {
    /** Milliseconds since the epoch. */
    now(): number;
    wait(milliseconds: number): Promise<void>;
  };
  /** How long the function may run yet. */
  remainingMs(): number;
}

interface ReconcilerContext extends AccountsContext {
  invocation: AccountsContext['invocation'] & Pick<Reconciler, 'remainingMs'>;
  environment: v.InferOutput<typeof reconcilerEnvironmentSchema>;
}

/**
 * What a function reconciles key policies with, made once per process: for keys of any account and Region, whose roles are of the
 * same account, with the clients of AWS.
 */
export function reconcilers(): (home: AccountRegion, context: ReconcilerContext) => Reconciler {
  const kms = perAccountRegion((config) => new KMSClient(config));
  const kmsOnce = perAccountRegion((config) => new KMSClient({ ...config, ...onceConfig }));
  const iam = perAccountRegion((config) => new IAMClient(config));
  const documents = documentClient();
  return (home, context) => ({
    kms: kms(home, context),
    kmsOnce: kmsOnce(home, context),
    prepareOnce: () => kmsOnce(home, context).config.credentials(),
    iam: iam(home, context),
    registry: { documents, tableName: context.environment.REGISTRY_TABLE },
    access: keyAccess(context.environment),
    deployment: context.environment.DEPLOYMENT_ID,
    clock: { now: Date.now, wait },
    remainingMs: context.invocation.remainingMs,
  });
}
