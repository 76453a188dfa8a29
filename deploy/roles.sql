-- Roles and database of Apportion. Can be run any number of times, by a superuser, with psql:
--   psql -v ON_ERROR_STOP=1 [-v database=apportion] [-v template=template1] -f deploy/roles.sql
-- APPORTION_OWNER_PASSWORD and APPORTION_APP_PASSWORD in the environment set the passwords;
-- without them none are set, which suits a server that only its own user can reach.
--
-- apportion_owner owns the database and its objects. Migrations connect as it, nothing else does.
-- apportion_app is what the product connects as: it owns nothing and row security binds it.
-- Rights on tables are given by the migrations that make them, table by table: a partition must not
-- be readable by its own name, so there are no default privileges here.
\set ON_ERROR_STOP on
\if :{?database}
\else
  \set database apportion
\endif
\if :{?template}
\else
  \set template template1
\endif
\getenv owner_password APPORTION_OWNER_PASSWORD
\getenv app_password APPORTION_APP_PASSWORD

SELECT format('CREATE ROLE %I', name)
FROM unnest(ARRAY['apportion_owner', 'apportion_app']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec

ALTER ROLE apportion_owner LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION;
ALTER ROLE apportion_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION;
-- A session left open in a transaction would hold back every clean-up of the database.
ALTER ROLE apportion_app SET idle_in_transaction_session_timeout = '10min';
\if :{?owner_password}
  ALTER ROLE apportion_owner PASSWORD :'owner_password';
\endif
\if :{?app_password}
  ALTER ROLE apportion_app PASSWORD :'app_password';
\endif

SELECT format('CREATE DATABASE %I OWNER apportion_owner TEMPLATE %I', :'database', :'template')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database')
\gexec

-- Temporary tables are the stages that usage is copied into.
ALTER DATABASE :"database" OWNER TO apportion_owner;
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE :"database" TO apportion_app;
