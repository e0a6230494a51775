import { DisableRuleCommand, EnableRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { DeleteSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { connect, start } from '../../cli/aws/executions.ts';
import { sandboxAt } from '../../cli/target/target.ts';
import type { Sandbox } from '../../sandbox/boot.ts';
import { parseFault } from '../../sandbox/core/faults.ts';
import { operatorAt } from '../../sandbox/operator.ts';

/** The part of the tour that adds users under a subscriber. */
export async function coverageOfUsers({
  endpoint,
  stateMachineArn,
  physicalId,
  secretsManager,
  faults,
  clock,
}: Sandbox): Promise<void> {
  const clients = connect(sandboxAt(endpoint));
  const run = async (operation: string, request: Record<string, unknown>) => {
    const machineArn = stateMachineArn.replace('onboard-subscriber', operation);
    await start(clients, machineArn, request);
    await clock.quiet();
  };
  const user = (userName: string) => ({ userName, emailId: `${userName}@example.com` });
  const add = (...users: object[]) => run('add-user', { subscriber: { userName: 'host' }, users });

  await run('onboard-subscriber', { subscriber: { userName: 'host', emailId: 'mlops@example.com' } });
  const passwordSecretId = 'infinstor/sandbox/input/host/tour-user';
  secretsManager.createSecret(passwordSecretId, JSON.stringify({ password: 'Coverage-User-Marker-1!' }));
  await add(user('tour-generated'), { ...user('tour-given'), passwordSecretId });
  // The token that was kept is refused, and the next one accepted.
  faults.add(parseFault('infinstor:addsecondaryuser:error=401'));
  await add(user('tour-refused'));

  // A failure that nobody hears of, taken over by a repeat whose token is stale.
  clock.advance(60 * 60_000);
  await clock.quiet();
  const events = new EventBridgeClient(operatorAt(endpoint));
  const rule = { Name: physicalId('RecordFailureRule') };
  await events.send(new DisableRuleCommand(rule));
  faults.add(parseFault('infinstor:get_version:error=404'));
  await add(user('tour-unheard'));
  await add(user('tour-unheard'));
  await events.send(new EnableRuleCommand(rule));

  // What an offboarding has scheduled for deletion comes back.
  const operator = new SecretsManagerClient(operatorAt(endpoint));
  for (const name of ['token', 'users/tour-generated']) {
    await operator.send(new DeleteSecretCommand({ SecretId: `infinstor/sandbox/subscribers/host/${name}` }));
  }
  await add(user('tour-generated'));

  // Secrets that cannot be decrypted.
  for (const step of ['obtain-subscriber-token', 'add-user']) {
    faults.add({
      ...parseFault('secretsmanager:GetSecretValue:error=DecryptionFailure'),
      functionName: `infinstor-onboarding-sandbox-${step}`,
    });
    await add(user('tour-undecryptable'));
  }
}
