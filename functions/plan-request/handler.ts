import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { STSClient } from '@aws-sdk/client-sts';
import { perAccountRegion } from '../../lib/aws/account-region-clients.ts';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { briskConfig, promptConfig } from '../../lib/aws/clients.ts';
import { createS3 } from '../../lib/aws/signed/s3.ts';
import { InvalidRequest } from '../../lib/errors.ts';
import { bodySchema, jsonResponse, parseBody } from '../../lib/lambda/http.ts';
import { logKeysOf } from '../../lib/lambda/log-keys.ts';
import { problemResponse, respond } from '../../lib/lambda/problem.ts';
import { step } from '../../lib/lambda/step.ts';
import { parse } from '../../lib/parse.ts';
import { Faults } from '../../lib/preflight/checks.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { keptReadings } from '../../lib/stacks/quotas/kept-readings.ts';
import { environmentSchema } from './environment.ts';
import { planRequest } from './plan-request.ts';
import { plannedSchema } from './planned.ts';
import { refusalOf } from './refusal.ts';

const cloudFormation = perAccountRegion((config) => new CloudFormationClient({ ...config, ...promptConfig }));
const quotasOf = perAccountRegion((config) => new CloudFormationClient(config), briskConfig);
const kms = perAccountRegion((config) => new KMSClient({ ...config, ...promptConfig }));
const secrets = new SecretsManagerClient(promptConfig);
const sts = new STSClient(promptConfig);
const stepFunctions = new SFNClient(promptConfig);
const s3 = createS3(sts.config);
const documents = documentClient(promptConfig);
const kept = keptReadings();

/** Of its 300 s, reading quotas may take 15 until nothing more is begun: behind the HTTP API it has 30. */
const readingEndsMs = 285_000;

export const handler = step({
  name: 'plan-request',
  environment: environmentSchema,
  complete: accountsReader(secrets),
  input: bodySchema,
  run: (event, context) =>
    respond(context, async () => {
      const { environment, invocation, logger } = context;
      const planned = parse(
        plannedSchema,
        parseBody(event),
        (field, rule) => new InvalidRequest(field === '(root)' ? 'request' : field, rule),
      );
      logger.appendKeys({ ...logKeysOf(planned) });
      try {
        const preview = await planRequest(planned, {
          environment,
          cloudFormation: (home) => cloudFormation(home, context),
          kms: (home) => kms(home, context),
          secrets,
          sts,
          stepFunctions,
          s3,
          registry: { documents, tableName: environment.REGISTRY_TABLE },
          quotas: {
            kept,
            cloudFormation: (home) => quotasOf(home, context),
            hasTime: () => invocation.remainingMs() > readingEndsMs,
          },
          now: new Date(),
          ownArn: invocation.functionArn,
        });
        return jsonResponse(200, preview);
      } catch (error) {
        if (!(error instanceof Faults)) throw error;
        logger.info('request would be refused', { errorNames: error.faults.map(({ name }) => name) });
        const refusal = { ...refusalOf(error.faults), page: 'docs/runbook.md', status: 422 } as const;
        return problemResponse(refusal, invocation.requestId);
      }
    }),
});
