// Stands for the AWS CLI where there is none, with what the examples of pipelines use of it. It answers as the CLI does: with JSON, and with status
// 254 when the service has refused the call (AWS CLI user guide, "Command line return codes").
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import * as v from 'valibot';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    name: { type: 'string' },
    'secret-id': { type: 'string' },
    'secret-string': { type: 'string', default: '' },
    entries: { type: 'string', default: '[]' },
    output: { type: 'string' },
  },
});
const entriesSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.array(v.strictObject({ EventBusName: v.string(), Source: v.string(), DetailType: v.string(), Detail: v.string() })),
);
const given = values['secret-string'];
const secret = () => ({
  SecretString: given.startsWith('file://') ? readFileSync(given.slice('file://'.length), 'utf8') : given,
});

/** Reads the one client that is needed, as each takes its time. */
async function call(): Promise<object> {
  switch (positionals.join(' ')) {
    case 'secretsmanager create-secret': {
      const { CreateSecretCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
      return new SecretsManagerClient().send(new CreateSecretCommand({ Name: values.name, ...secret() }));
    }
    case 'secretsmanager put-secret-value': {
      const { PutSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
      return new SecretsManagerClient().send(new PutSecretValueCommand({ SecretId: values['secret-id'], ...secret() }));
    }
    case 'events put-events': {
      const { EventBridgeClient, PutEventsCommand } = await import('@aws-sdk/client-eventbridge');
      return new EventBridgeClient().send(new PutEventsCommand({ Entries: v.parse(entriesSchema, values.entries) }));
    }
    default:
      throw new Error(`Not known: aws ${positionals.join(' ')}`);
  }
}

try {
  const { $metadata: _, ...answer } = { $metadata: undefined, ...(await call()) };
  process.stdout.write(`${JSON.stringify(answer, undefined, 4)}\n`);
} catch (error) {
  process.stderr.write(`${error}\n`);
  process.exitCode = 254;
}
