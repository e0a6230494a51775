/**
 * Which permissions CloudFormation needs to create, update and delete a resource: `handlers.{create,update,delete}.permissions` of the schemas that
 * AWS publishes in the CloudFormation registry, for the types that a subscriber's template may have. Read on 2026-11-30 in the copies of
 * pulumi/pulumi-aws-native (`aws-cloudformation-schema/<type>.json`), at the commits below. The read handler is for
 * drift, which subscribers' stacks do not have, and `list` likewise. Of `update` those are here that are about what the sandbox has;
 * which of them a change needs is not documented, so that each update asks for all that its properties, the new and the old, can need.
 *
 * A schema is one list for every property of the type. `always`: what every resource needs. `with`: what only a resource with
 * that property, or with what else stands there, needs. `never`: what no resource here can need, and why.
 */
export interface HandlerPermissions {
  always: readonly string[];
  with?: Readonly<Record<string, readonly string[]>>;
  never?: Readonly<Record<string, readonly string[]>>;
}

interface Handlers {
  commit: string;
  create: HandlerPermissions;
  update: HandlerPermissions;
  delete: HandlerPermissions;
}

export const handlerPermissions = {
  'AWS::IAM::Role': {
    commit: '0c61db28c612841d62fd56bff23e762d412d75e6',
    create: {
      always: [
        'iam:CreateRole',
        'iam:GetRole',
        'iam:ListAttachedRolePolicies',
        'iam:ListRolePolicies',
        'iam:GetRolePolicy',
      ],
      with: {
        Policies: ['iam:PutRolePolicy'],
        ManagedPolicyArns: ['iam:AttachRolePolicy'],
        // Not in the handler's list, but in IAM's own reference: CreateRole with tags needs it.
        Tags: ['iam:TagRole'],
      },
    },
    update: {
      always: ['iam:UpdateRole', 'iam:UpdateAssumeRolePolicy'],
      with: {
        Policies: ['iam:PutRolePolicy', 'iam:DeleteRolePolicy'],
        ManagedPolicyArns: ['iam:AttachRolePolicy', 'iam:DetachRolePolicy'],
        'another boundary': ['iam:PutRolePermissionsBoundary'],
        'no boundary any more': ['iam:DeleteRolePermissionsBoundary'],
      },
      never: {
        'the older action of iam:UpdateRole': ['iam:UpdateRoleDescription'],
        "a stack's other tags do not reach its resources here": ['iam:TagRole', 'iam:UntagRole'],
      },
    },
    delete: {
      always: ['iam:GetRole', 'iam:ListAttachedRolePolicies', 'iam:ListRolePolicies', 'iam:DeleteRole'],
      with: {
        // Also what somebody else has put or attached: go-to-k/delstack#369.
        'an inline policy': ['iam:DeleteRolePolicy'],
        'an attached policy': ['iam:DetachRolePolicy'],
      },
    },
  },
  'AWS::S3::Bucket': {
    commit: '01e4de1ab22ad1b59a63103c5f6cc80952869912',
    create: {
      always: ['s3:CreateBucket', 's3:GetBucketAcl', 's3:ListBucket'],
      with: {
        Tags: ['s3:PutBucketTagging'],
        BucketEncryption: ['s3:PutEncryptionConfiguration'],
        CorsConfiguration: ['s3:PutBucketCORS'],
        PublicAccessBlockConfiguration: ['s3:PutBucketPublicAccessBlock'],
        OwnershipControls: ['s3:PutBucketOwnershipControls'],
        VersioningConfiguration: ['s3:PutBucketVersioning'],
        LifecycleConfiguration: ['s3:PutLifecycleConfiguration'],
        LoggingConfiguration: ['s3:PutBucketLogging'],
        AccelerateConfiguration: ['s3:PutAccelerateConfiguration'],
        AnalyticsConfigurations: ['s3:PutAnalyticsConfiguration'],
        IntelligentTieringConfigurations: ['s3:PutIntelligentTieringConfiguration'],
        InventoryConfigurations: ['s3:PutInventoryConfiguration'],
        MetricsConfigurations: ['s3:PutMetricsConfiguration'],
        NotificationConfiguration: ['s3:PutBucketNotification'],
        ObjectLockConfiguration: ['s3:PutObjectLockConfiguration', 's3:PutBucketObjectLockConfiguration'],
        ReplicationConfiguration: ['s3:PutReplicationConfiguration', 's3:PutBucketReplication', 'iam:PassRole'],
        WebsiteConfiguration: ['s3:PutBucketWebsite'],
        MetadataTableConfiguration: [
          's3:GetBucketMetadataTableConfiguration',
          's3:CreateBucketMetadataTableConfiguration',
          's3tables:CreateNamespace',
          's3tables:CreateTable',
          's3tables:CreateTableBucket',
          's3tables:GetTable',
          's3tables:PutTableEncryption',
          's3tables:PutTablePolicy',
          's3tables:GetTableMetadataLocation',
          's3tables:UpdateTableMetadataLocation',
        ],
      },
      never: { 'a new bucket has no objects': ['s3:PutObjectAcl', 's3:DeleteObject'] },
    },
    update: {
      always: ['s3:ListBucket'],
      with: {
        BucketEncryption: ['s3:PutEncryptionConfiguration'],
        CorsConfiguration: ['s3:PutBucketCORS'],
        LifecycleConfiguration: ['s3:PutLifecycleConfiguration'],
        PublicAccessBlockConfiguration: ['s3:PutBucketPublicAccessBlock'],
      },
    },
    delete: { always: ['s3:DeleteBucket', 's3:ListBucket'] },
  },
  'AWS::S3::BucketPolicy': {
    commit: '157c65b430f326a0d10054e92cc1ed0fefce83c7',
    create: { always: ['s3:GetBucketPolicy', 's3:PutBucketPolicy'] },
    update: { always: ['s3:GetBucketPolicy', 's3:PutBucketPolicy'] },
    delete: { always: ['s3:GetBucketPolicy', 's3:DeleteBucketPolicy'] },
  },
  'AWS::DynamoDB::Table': {
    commit: '0a4178dc043a881a111e693619ab61a65702449c',
    create: {
      always: [
        'dynamodb:CreateTable',
        'dynamodb:DescribeTable',
        'dynamodb:DescribeTimeToLive',
        'dynamodb:DescribeContinuousBackups',
        'dynamodb:DescribeContributorInsights',
        'dynamodb:DescribeKinesisStreamingDestination',
        'dynamodb:ListTagsOfResource',
        'dynamodb:GetResourcePolicy',
      ],
      with: {
        Tags: ['dynamodb:TagResource'],
        TimeToLiveSpecification: ['dynamodb:UpdateTimeToLive'],
        PointInTimeRecoverySpecification: ['dynamodb:UpdateContinuousBackups'],
        // DynamoDB itself needs more of the key: table-resource.ts.
        'a customer managed key': [
          'kms:CreateGrant',
          'kms:Decrypt',
          'kms:DescribeKey',
          'kms:Encrypt',
          'kms:ListAliases',
          'kms:RevokeGrant',
        ],
        ContributorInsightsSpecification: ['dynamodb:UpdateContributorInsights', 'iam:CreateServiceLinkedRole'],
        ResourcePolicy: ['dynamodb:PutResourcePolicy'],
        KinesisStreamSpecification: [
          'dynamodb:EnableKinesisStreamingDestination',
          'dynamodb:DisableKinesisStreamingDestination',
          'kinesis:DescribeStream',
          'kinesis:PutRecords',
        ],
        // The description of the property has UpdateTable; the rest are the import's source and its log.
        ImportSourceSpecification: [
          'dynamodb:ImportTable',
          'dynamodb:DescribeImport',
          'dynamodb:UpdateTable',
          's3:GetObject',
          's3:GetObjectMetadata',
          's3:ListBucket',
          'logs:CreateLogGroup',
          'logs:CreateLogStream',
          'logs:DescribeLogGroups',
          'logs:DescribeLogStreams',
          'logs:PutLogEvents',
          'logs:PutRetentionPolicy',
        ],
      },
    },
    update: {
      always: [
        'dynamodb:UpdateTable',
        'dynamodb:DescribeTable',
        'dynamodb:DescribeTimeToLive',
        'dynamodb:DescribeContinuousBackups',
        'dynamodb:DescribeContributorInsights',
        'dynamodb:DescribeKinesisStreamingDestination',
        'dynamodb:ListTagsOfResource',
        'dynamodb:GetResourcePolicy',
      ],
      with: {
        TimeToLiveSpecification: ['dynamodb:UpdateTimeToLive'],
        PointInTimeRecoverySpecification: ['dynamodb:UpdateContinuousBackups'],
        // DynamoDB itself needs more of the key: table-resource.ts.
        'a customer managed key': ['kms:CreateGrant', 'kms:DescribeKey', 'kms:ListAliases', 'kms:RevokeGrant'],
      },
      never: {
        "a stack's other tags do not reach its resources here": ['dynamodb:TagResource', 'dynamodb:UntagResource'],
        'no table here is in several Regions': [
          'dynamodb:CreateTable',
          'dynamodb:CreateTableReplica',
          'dynamodb:AssociateTableReplica',
          'dynamodb:Scan',
          'dynamodb:Query',
          'dynamodb:GetItem',
          'dynamodb:PutItem',
          'dynamodb:UpdateItem',
          'dynamodb:DeleteItem',
          'dynamodb:BatchWriteItem',
        ],
      },
    },
    delete: { always: ['dynamodb:DeleteTable', 'dynamodb:DescribeTable'] },
  },
  'AWS::CloudFormation::Stack': {
    commit: '52b47460b0f6607bb5343bb0e66b00211e607544',
    create: {
      always: ['cloudformation:CreateStack', 'cloudformation:DescribeStacks'],
      with: { 'a service role': ['iam:PassRole'] },
    },
    update: {
      always: ['cloudformation:UpdateStack', 'cloudformation:DescribeStacks'],
      with: { 'a service role': ['iam:PassRole'] },
      never: {
        'no property is about it': ['cloudformation:UpdateTerminationProtection', 'cloudformation:SetStackPolicy'],
      },
    },
    delete: { always: ['cloudformation:DeleteStack', 'cloudformation:DescribeStacks'] },
  },
} as const satisfies Readonly<Record<string, Handlers>>;

/** What a handler needs for a resource that has these properties, or what else `with` names, in the order of the lists. */
export function permissionsOf(handler: HandlerPermissions, has: readonly string[] = []): string[] {
  const some = Object.entries(handler.with ?? {}).filter(([what]) => has.includes(what));
  return [...handler.always, ...some.flatMap(([, actions]) => actions)];
}
