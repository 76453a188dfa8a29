-- The tables hold UTC instants without a zone: that is how KQL is executed.
CREATE SCHEMA IF NOT EXISTS raw;
CREATE TABLE IF NOT EXISTS raw.ApiManagementGatewayLogs (
    workspace VARCHAR, ingested TIMESTAMP, origin VARCHAR,
    TimeGenerated TIMESTAMP, CorrelationId VARCHAR, ApiId VARCHAR, ApiRevision VARCHAR,
    ApimSubscriptionId VARCHAR, OperationId VARCHAR, ProductId VARCHAR, UserId VARCHAR,
    CallerIpAddress VARCHAR, Region VARCHAR, Method VARCHAR, Url VARCHAR, ResponseCode INTEGER,
    BackendId VARCHAR, BackendMethod VARCHAR, BackendProtocol VARCHAR, BackendUrl VARCHAR,
    BackendResponseCode INTEGER, BackendTime BIGINT, CacheTime BIGINT, ClientTime BIGINT,
    TotalTime BIGINT, Cache VARCHAR, ClientProtocol VARCHAR, ClientTlsVersion VARCHAR,
    RequestSize INTEGER, ResponseSize INTEGER, LastErrorReason VARCHAR, LastErrorMessage VARCHAR,
    IsRequestSuccess BOOLEAN, OperationName VARCHAR, _ResourceId VARCHAR, _SubscriptionId VARCHAR,
    TenantId VARCHAR, SourceSystem VARCHAR, Type VARCHAR
);
CREATE TABLE IF NOT EXISTS raw.ApiManagementGatewayLlmLog (
    workspace VARCHAR, ingested TIMESTAMP, origin VARCHAR,
    TimeGenerated TIMESTAMP, CorrelationId VARCHAR, ApiVersion VARCHAR, DeploymentName VARCHAR,
    ModelName VARCHAR, PromptTokens INTEGER, CompletionTokens INTEGER, TotalTokens INTEGER,
    IsStreamCompletion BOOLEAN, RequestId VARCHAR, RequestMessages JSON, ResponseMessages JSON,
    SequenceNumber INTEGER, OperationName VARCHAR, Region VARCHAR, _ResourceId VARCHAR,
    _SubscriptionId VARCHAR, TenantId VARCHAR, SourceSystem VARCHAR, Type VARCHAR
);
CREATE TEMP TABLE staged (
    workspace VARCHAR, called TIMESTAMP, correlation VARCHAR, subscription VARCHAR, product VARCHAR,
    api VARCHAR, operation VARCHAR, region VARCHAR, resource_id VARCHAR, url VARCHAR,
    backend VARCHAR, backend_url VARCHAR, deployment VARCHAR, model VARCHAR, prompt VARCHAR,
    completion VARCHAR, status INTEGER, cache VARCHAR, kept VARCHAR, streamed BOOLEAN,
    milliseconds BIGINT, error VARCHAR, ingestion_seconds DOUBLE, llm_lag_seconds DOUBLE,
    origin VARCHAR
);
-- record
INSERT INTO raw.ApiManagementGatewayLogs BY NAME
SELECT
    workspace,
    origin,
    called + to_microseconds(CAST(ingestion_seconds * 1e6 AS BIGINT)) AS ingested,
    called AS TimeGenerated,
    correlation AS CorrelationId,
    api AS ApiId,
    '1' AS ApiRevision,
    coalesce(subscription, '') AS ApimSubscriptionId,
    operation AS OperationId,
    coalesce(product, '') AS ProductId,
    CASE WHEN coalesce(subscription, '') = '' THEN '' ELSE '1' END AS UserId,
    '127.0.0.1' AS CallerIpAddress,
    region AS Region,
    'POST' AS Method,
    url AS Url,
    status AS ResponseCode,
    backend AS BackendId,
    CASE WHEN backend_url <> '' THEN 'POST' END AS BackendMethod,
    CASE WHEN backend_url <> '' THEN 'HTTP/1.1' END AS BackendProtocol,
    backend_url AS BackendUrl,
    CASE WHEN backend_url <> '' THEN status END AS BackendResponseCode,
    CASE WHEN backend_url <> '' THEN milliseconds - 5 ELSE 0 END AS BackendTime,
    CASE WHEN cache = 'hit' THEN 3 ELSE 0 END AS CacheTime,
    2 AS ClientTime,
    milliseconds AS TotalTime,
    cache AS Cache,
    'HTTP/1.1' AS ClientProtocol,
    '1.3' AS ClientTlsVersion,
    400 AS RequestSize,
    900 AS ResponseSize,
    error AS LastErrorReason,
    error AS LastErrorMessage,
    status < 400 AS IsRequestSuccess,
    'Microsoft.ApiManagement/GatewayLogs' AS OperationName,
    lower(resource_id) AS _ResourceId,
    split_part(resource_id, '/', 3) AS _SubscriptionId,
    workspace AS TenantId,
    'Azure' AS SourceSystem,
    'ApiManagementGatewayLogs' AS Type
FROM staged
WHERE kept IN ('both', 'gateway');

-- Row 0 of a request carries the tokens; the rows after it carry chunks of the messages.
INSERT INTO raw.ApiManagementGatewayLlmLog BY NAME
SELECT
    workspace,
    origin,
    called + to_microseconds(CAST((ingestion_seconds + llm_lag_seconds) * 1e6 AS BIGINT)) AS ingested,
    called + to_microseconds(CAST(llm_lag_seconds * 1e6 AS BIGINT)) AS TimeGenerated,
    correlation AS CorrelationId,
    '2024-10-21' AS ApiVersion,
    CASE WHEN number = 0 THEN deployment ELSE '' END AS DeploymentName,
    CASE WHEN number = 0 THEN model ELSE '' END AS ModelName,
    CASE WHEN number = 0 THEN CAST(nullif(prompt, '\N') AS INTEGER) END AS PromptTokens,
    CASE WHEN number = 0 THEN CAST(nullif(completion, '\N') AS INTEGER) END AS CompletionTokens,
    CASE WHEN number = 0
        THEN CAST(nullif(prompt, '\N') AS INTEGER) + CAST(nullif(completion, '\N') AS INTEGER)
    END AS TotalTokens,
    streamed AS IsStreamCompletion,
    'chatcmpl-' || left(replace(correlation, '-', ''), 29) AS RequestId,
    CASE WHEN number = 1 THEN '[{"role":"user","content":"(not kept)"}]' ELSE '[]' END
        AS RequestMessages,
    CASE WHEN number = 2 THEN '[{"role":"assistant","content":"(not kept)"}]' ELSE '[]' END
        AS ResponseMessages,
    number AS SequenceNumber,
    'Microsoft.ApiManagement/GatewayLlmLogs' AS OperationName,
    region AS Region,
    lower(resource_id) AS _ResourceId,
    split_part(resource_id, '/', 3) AS _SubscriptionId,
    workspace AS TenantId,
    'Azure' AS SourceSystem,
    'ApiManagementGatewayLlmLog' AS Type
FROM staged CROSS JOIN (VALUES (0), (1), (2)) AS chunks(number)
WHERE kept IN ('both', 'llm') AND status = 200 AND cache <> 'hit'
ORDER BY called, correlation, number;
