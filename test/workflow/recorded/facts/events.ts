import { answered, fact, type RecordedTest, type Recordings, refused } from '../fact.ts';

const date = '2025-01-08';
const entry = { Source: 'core.update-account-command', DetailType: 'core.update-account-command', Detail: '{}' };
const failed = (ErrorCode: string, ErrorMessage: string) =>
  answered({ Entries: [{ ErrorCode, ErrorMessage }], FailedEntryCount: 1 });

/** An entry that is refused alone. */
const oneEntry = (name: string, changed: object, expected: ReturnType<typeof failed>): RecordedTest => ({
  test: `TestEvents::${name}`,
  date,
  steps: [fact('put-events', 'PutEvents', { Entries: [{ ...entry, ...changed }] }, expected)],
});
const missing = (name: string, member: string) =>
  oneEntry(
    name,
    { [member]: undefined },
    failed('InvalidArgument', `Parameter ${member} is not valid. Reason: ${member} is a required argument.`),
  );
const malformed = (name: string, Detail: string) =>
  oneEntry(`test_put_event_malformed_detail[${name}]`, { Detail }, failed('MalformedDetail', 'Detail is malformed.'));

const eventPattern = {
  source: ['core.update-account-command'],
  'detail-type': ['core.update-account-command'],
  detail: { command: ['update-account'] },
};
const addRule =
  (name: string, targets: { id: string; arn: string }[] = []): NonNullable<RecordedTest['prepare']> =>
  ({ events }) => {
    events.addRule({ name, bus: 'default', eventPattern, enabled: true, targets });
    return {};
  };
const queueArn = 'arn:aws:sqs:us-east-1:111111111111:queue';
const rule = (Name: string, State = 'ENABLED') => ({
  Arn: `arn:aws:events:us-east-1:111111111111:rule/${Name}`,
  EventBusName: 'default',
  EventPattern: JSON.stringify(eventPattern),
  Name,
  State,
});
const tooMany = (name: string, bus: string): RecordedTest => ({
  test: `TestEvents::test_put_events_exceed_limit_ten_entries[${name}]`,
  date,
  steps: [
    fact(
      'put-events-exceed-limit-error',
      'PutEvents',
      { Entries: Array.from({ length: 11 }, () => ({ ...entry, EventBusName: bus })) },
      refused(
        'ValidationException',
        "1 validation error detected: Value '[<entries>]' at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10",
      ),
    ),
  ],
});

export const events: Recordings = {
  service: 'events',
  file: 'events/test_events.snapshot.json',
  tests: [
    missing('test_put_events_without_source', 'Source'),
    missing('test_put_event_without_detail', 'Detail'),
    missing('test_put_event_without_detail_type', 'DetailType'),
    malformed('STRING', 'this is a string'),
    malformed('ARRAY', '["key", "value"]'),
    malformed('MALFORMED_JSON', '{"key": value}'),
    malformed('SERIALIZED_STRING', '"a string"'),
    tooMany('custom', 'custom'),
    tooMany('default', 'default'),
    {
      test: 'TestEvents::test_put_event_with_too_big_detail',
      date,
      steps: [
        fact(
          'put-events-too-big-detail-error',
          'PutEvents',
          { Entries: [{ ...entry, Detail: JSON.stringify({ payload: 'a'.repeat(256 * 1024) }) }] },
          refused('ValidationException', 'Total size of the entries in the request is over the limit.'),
        ),
      ],
    },
    {
      test: 'TestEvents::test_put_events_with_time_field',
      date,
      steps: [
        fact(
          'put-events',
          'PutEvents',
          { Entries: [{ ...entry, Time: new Date('2025-01-08T12:00:00Z') }] },
          answered({ Entries: [{ EventId: '<id>' }], FailedEntryCount: 0 }),
        ),
      ],
    },
    {
      test: 'TestEventBus::test_put_events_nonexistent_event_bus',
      date,
      steps: [
        fact(
          'put-events',
          'PutEvents',
          { Entries: [entry, { ...entry, EventBusName: 'nowhere' }] },
          answered({ Entries: [{ EventId: '<id>' }, { EventId: '<id>' }], FailedEntryCount: 0 }),
        ),
        fact(
          'non-existent-bus-error',
          'ListRules',
          { EventBusName: 'nowhere' },
          refused('ResourceNotFoundException', 'Event bus nowhere does not exist.'),
        ),
      ],
    },
    {
      test: 'TestEventRule::test_put_list_with_prefix_describe_delete_rule[default]',
      date,
      prepare: addRule('listed-rule'),
      steps: [
        fact('list-rules', 'ListRules', { NamePrefix: 'listed-rule' }, answered({ Rules: [rule('listed-rule')] })),
        fact(
          'describe-rule',
          'DescribeRule',
          { Name: 'listed-rule' },
          answered({ ...rule('listed-rule'), CreatedBy: '111111111111' }),
        ),
        fact('list-rules-after-delete', 'ListRules', { NamePrefix: 'deleted-rule' }, answered({ Rules: [] })),
      ],
    },
    {
      test: 'TestEventTarget::test_put_list_remove_target[default]',
      date,
      prepare: addRule('rule-with-target', [{ id: 'target', arn: queueArn }]),
      steps: [
        fact(
          'list-targets',
          'ListTargetsByRule',
          { Rule: 'rule-with-target' },
          answered({ Targets: [{ Arn: queueArn, Id: 'target' }] }),
        ),
      ],
    },
    {
      test: 'TestEventRule::test_list_rule_names_by_target[default]',
      date: '2025-05-19',
      prepare: addRule('rule-of-target', [{ id: 'target', arn: `${queueArn}-of-one` }]),
      steps: [
        fact(
          'list_rule_names_by_target',
          'ListRuleNamesByTarget',
          { TargetArn: `${queueArn}-of-one` },
          answered({ RuleNames: ['rule-of-target'] }),
        ),
      ],
    },
    {
      test: 'TestEventRule::test_list_rule_names_by_target_no_matches[default]',
      date: '2025-05-19',
      steps: [
        fact(
          'list_rule_names_by_target_no_matches',
          'ListRuleNamesByTarget',
          { TargetArn: `${queueArn}-of-none` },
          answered({ RuleNames: [] }),
        ),
      ],
    },
    {
      test: 'TestEventRule::test_describe_nonexistent_rule',
      date: '2025-03-12',
      steps: [
        fact(
          'describe-not-existing-rule-error',
          'DescribeRule',
          { Name: 'nowhere' },
          refused('ResourceNotFoundException', 'Rule nowhere does not exist on EventBus default.'),
        ),
      ],
    },
    {
      test: 'TestEventRule::test_disable_re_enable_rule[default]',
      date,
      prepare: addRule('disabled-rule'),
      steps: [
        fact('disable-rule', 'DisableRule', { Name: 'disabled-rule' }, answered({})),
        fact(
          'describe-rule-disabled',
          'DescribeRule',
          { Name: 'disabled-rule' },
          answered({ ...rule('disabled-rule', 'DISABLED'), CreatedBy: '111111111111' }),
        ),
        fact('enable-rule', 'EnableRule', { Name: 'disabled-rule' }, answered({})),
        fact(
          'describe-rule-enabled',
          'DescribeRule',
          { Name: 'disabled-rule' },
          answered({ ...rule('disabled-rule'), CreatedBy: '111111111111' }),
        ),
      ],
    },
  ],
};
