import { setTimeout as wait } from 'node:timers/promises';
import { IAMClient } from '@aws-sdk/client-iam';
import { KMSClient } from '@aws-sdk/client-kms';
import type * as v from 'valibot';
import { clientConfig, regional } from './clients.ts';
import { documentClient } from './document-client.ts';
import { keyAccess } from './key-access-environment.ts';
import type { Reconciler } from './reconcile-key-policy.ts';
import type { reconcilerEnvironmentSchema } from './reconciler-environment.ts';

/** What a function reconciles key policies with, made once per process: for keys of any Region, with the clients of AWS. */
export function reconcilers(): (
  region: string,
  environment: v.InferOutput<typeof reconcilerEnvironmentSchema>,
) => Reconciler {
  const kms = regional((config) => new KMSClient(config));
  const kmsOnce = regional((config) => new KMSClient({ ...config, maxAttempts: 1 }));
  const iam = new IAMClient(clientConfig);
  const documents = documentClient();
  return (region, environment) => ({
    kms: kms(region),
    kmsOnce: kmsOnce(region),
    iam,
    registry: { documents, tableName: environment.REGISTRY_TABLE },
    access: keyAccess(environment),
    clock: { now: Date.now, wait },
  });
}
