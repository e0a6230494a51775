import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { KMSClient } from '@aws-sdk/client-kms';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { STSClient } from '@aws-sdk/client-sts';
import * as v from 'valibot';
import { perAccountRegion } from '../../lib/aws/account-region-clients.ts';
import { accountsReader } from '../../lib/aws/accounts-environment.ts';
import { promptConfig } from '../../lib/aws/clients.ts';
import { createS3 } from '../../lib/aws/s3.ts';
import { InvalidRequest, KeyPolicyBusy } from '../../lib/errors.ts';
import { bodySchema, errorResponse, jsonResponse, parseBody, respond } from '../../lib/lambda/http.ts';
import { logKeysOf } from '../../lib/lambda/log-keys.ts';
import { step } from '../../lib/lambda/step.ts';
import { parse } from '../../lib/parse.ts';
import { Faults } from '../../lib/preflight/checks.ts';
import { documentClient } from '../../lib/registry/document-client.ts';
import { operationSchema } from '../../lib/subscribers/operations.ts';
import { environmentSchema } from './environment.ts';
import { planRequest } from './plan-request.ts';
import { refusalOf } from './refusal.ts';

const cloudFormation = perAccountRegion((config) => new CloudFormationClient({ ...config, ...promptConfig }));
const kms = perAccountRegion((config) => new KMSClient({ ...config, ...promptConfig }));
const secrets = new SecretsManagerClient(promptConfig);
const sts = new STSClient(promptConfig);
const stepFunctions = new SFNClient(promptConfig);
const s3 = createS3(sts.config);
const documents = documentClient(promptConfig);

const plannedSchema = v.strictObject({
  operation: v.optional(operationSchema, 'onboard-subscriber'),
  request: v.unknown(),
});

export const handler = step({
  name: 'plan-request',
  environment: environmentSchema,
  complete: accountsReader(secrets),
  input: bodySchema,
  run: (event, context) =>
    respond(context.logger, async () => {
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
          now: new Date(),
          ownArn: invocation.functionArn,
        });
        return jsonResponse(200, preview);
      } catch (error) {
        if (error instanceof KeyPolicyBusy) return errorResponse(503, error);
        if (!(error instanceof Faults)) throw error;
        logger.info('request would be refused', { errorNames: error.faults.map(({ name }) => name) });
        return jsonResponse(422, { error: refusalOf(error.faults) });
      }
    }),
});
