//! Tables that are always empty, because there is nothing of their kind here: no triggers, no
//! policies, no extensions, no replication, no large objects, no text search.

use super::notation::{Definition, none, table, view};

pub(super) const TABLES: &[Definition] = &[
    table(
        6104,
        "pg_publication",
        "oid oid, pubname name, pubowner oid, puballtables bool, pubinsert bool, \
         pubupdate bool, pubdelete bool, pubtruncate bool, pubviaroot bool",
        none,
    ),
    table(
        6106,
        "pg_publication_rel",
        "oid oid, prpubid oid, prrelid oid, prqual text, prattrs int2vector",
        none,
    ),
    table(6237, "pg_publication_namespace", "oid oid, pnpubid oid, pnnspid oid", none),
    view(
        12068,
        "pg_publication_tables",
        "pubname name, schemaname name, tablename name, attnames _name, rowfilter text",
        none,
    ),
    table(
        6100,
        "pg_subscription",
        "oid oid, subdbid oid, subskiplsn text, subname name, subowner oid, \
         subenabled bool, subbinary bool, substream bool, subtwophasestate char, \
         subdisableonerr bool, subconninfo text, subslotname name, subsynccommit text, \
         subpublications _text",
        none,
    ),
    table(
        6102,
        "pg_subscription_rel",
        "srsubid oid, srrelid oid, srsubstate char, srsublsn text",
        none,
    ),
    table(
        2620,
        "pg_trigger",
        "oid oid, tgrelid oid, tgparentid oid, tgname name, tgfoid oid, tgtype int2, \
         tgenabled char, tgisinternal bool, tgconstrrelid oid, tgconstrindid oid, \
         tgconstraint oid, tgdeferrable bool, tginitdeferred bool, tgnargs int2, \
         tgattr int2vector, tgargs bytea, tgqual text, tgoldtable name, tgnewtable name",
        none,
    ),
    table(
        3256,
        "pg_policy",
        "oid oid, polname name, polrelid oid, polcmd char, polpermissive bool, \
         polroles _oid, polqual text, polwithcheck text",
        none,
    ),
    view(
        12018,
        "pg_policies",
        "schemaname name, tablename name, policyname name, permissive text, roles _name, \
         cmd text, qual text, with_check text",
        none,
    ),
    table(
        3079,
        "pg_extension",
        "oid oid, extname name, extowner oid, extnamespace oid, extrelocatable bool, \
         extversion text, extconfig _oid, extcondition _text",
        none,
    ),
    view(
        12081,
        "pg_available_extensions",
        "name name, default_version text, installed_version text, comment text",
        none,
    ),
    view(
        12085,
        "pg_available_extension_versions",
        "name name, version text, installed bool, superuser bool, trusted bool, \
         relocatable bool, schema name, requires _name, comment text",
        none,
    ),
    table(3118, "pg_foreign_table", "ftrelid oid, ftserver oid, ftoptions _text", none),
    table(
        1417,
        "pg_foreign_server",
        "oid oid, srvname name, srvowner oid, srvfdw oid, srvtype text, srvversion text, \
         srvacl _text, srvoptions _text",
        none,
    ),
    table(
        2328,
        "pg_foreign_data_wrapper",
        "oid oid, fdwname name, fdwowner oid, fdwhandler oid, fdwvalidator oid, \
         fdwacl _text, fdwoptions _text",
        none,
    ),
    table(1418, "pg_user_mapping", "oid oid, umuser oid, umserver oid, umoptions _text", none),
    view(
        12327,
        "pg_user_mappings",
        "umid oid, srvid oid, srvname name, umuser oid, usename name, umoptions _text",
        none,
    ),
    table(
        3381,
        "pg_statistic_ext",
        "oid oid, stxrelid oid, stxname name, stxnamespace oid, stxowner oid, \
         stxstattarget int4, stxkeys int2vector, stxkind _char, stxexprs text",
        none,
    ),
    table(
        3429,
        "pg_statistic_ext_data",
        "stxoid oid, stxdinherit bool, stxdndistinct text, stxddependencies text, \
         stxdmcv text, stxdexpr text",
        none,
    ),
    table(
        3350,
        "pg_partitioned_table",
        "partrelid oid, partstrat char, partnatts int2, partdefid oid, \
         partattrs int2vector, partclass oidvector, partcollation oidvector, partexprs text",
        none,
    ),
    table(
        3466,
        "pg_event_trigger",
        "oid oid, evtname name, evtevent name, evtowner oid, evtfoid oid, evtenabled char, \
         evttags _text",
        none,
    ),
    table(
        3394,
        "pg_init_privs",
        "objoid oid, classoid oid, objsubid int4, privtype char, initprivs _text",
        none,
    ),
    table(
        3596,
        "pg_seclabel",
        "objoid oid, classoid oid, objsubid int4, provider text, label text",
        none,
    ),
    view(
        12099,
        "pg_seclabels",
        "objoid oid, classoid oid, objsubid int4, objtype text, objnamespace oid, \
         objname text, provider text, label text",
        none,
    ),
    table(3592, "pg_shseclabel", "objoid oid, classoid oid, provider text, label text", none),
    table(
        2607,
        "pg_conversion",
        "oid oid, conname name, connamespace oid, conowner oid, conforencoding int4, \
         contoencoding int4, conproc regproc, condefault bool",
        none,
    ),
    table(2613, "pg_largeobject", "loid oid, pageno int4, data bytea", none),
    table(2995, "pg_largeobject_metadata", "oid oid, lomowner oid, lomacl _text", none),
    view(
        12090,
        "pg_prepared_xacts",
        "transaction int8, gid text, prepared timestamptz, owner name, database name",
        none,
    ),
    table(2964, "pg_db_role_setting", "setdatabase oid, setrole oid, setconfig _text", none),
    table(
        3576,
        "pg_transform",
        "oid oid, trftype oid, trflang oid, trffromsql regproc, trftosql regproc",
        none,
    ),
    table(
        3602,
        "pg_ts_config",
        "oid oid, cfgname name, cfgnamespace oid, cfgowner oid, cfgparser oid",
        none,
    ),
    table(
        3603,
        "pg_ts_config_map",
        "mapcfg oid, maptokentype int4, mapseqno int4, mapdict oid",
        none,
    ),
    table(
        3600,
        "pg_ts_dict",
        "oid oid, dictname name, dictnamespace oid, dictowner oid, dicttemplate oid, \
         dictinitoption text",
        none,
    ),
    table(
        3601,
        "pg_ts_parser",
        "oid oid, prsname name, prsnamespace oid, prsstart regproc, prstoken regproc, \
         prsend regproc, prsheadline regproc, prslextype regproc",
        none,
    ),
    table(
        3764,
        "pg_ts_template",
        "oid oid, tmplname name, tmplnamespace oid, tmplinit regproc, tmpllexize regproc",
        none,
    ),
    view(
        12023,
        "pg_rules",
        "schemaname name, tablename name, rulename name, definition text",
        none,
    ),
    view(
        12257,
        "pg_replication_slots",
        "slot_name name, plugin name, slot_type text, datoid oid, database name, \
         temporary bool, active bool, active_pid int4, xmin int8, catalog_xmin int8, \
         restart_lsn text, confirmed_flush_lsn text, wal_status text, safe_wal_size int8, \
         two_phase bool",
        none,
    ),
    table(6000, "pg_replication_origin", "roident oid, roname text", none),
    view(
        12227,
        "pg_stat_replication",
        "pid int4, usesysid oid, usename name, application_name text, client_addr text, \
         client_hostname text, client_port int4, backend_start timestamptz, \
         backend_xmin int8, state text, sent_lsn text, write_lsn text, flush_lsn text, \
         replay_lsn text, write_lag interval, flush_lag interval, replay_lag interval, \
         sync_priority int4, sync_state text, reply_time timestamptz",
        none,
    ),
    view(
        12244,
        "pg_stat_subscription",
        "subid oid, subname name, pid int4, relid oid, received_lsn text, \
         last_msg_send_time timestamptz, last_msg_receipt_time timestamptz, \
         latest_end_lsn text, latest_end_time timestamptz",
        none,
    ),
    table(6243, "pg_parameter_acl", "oid oid, parname text, paracl _text", none),
    view(
        12058,
        "pg_stats_ext",
        "schemaname name, tablename name, statistics_schemaname name, \
         statistics_name name, statistics_owner name, attnames _name, exprs _text, \
         kinds _char, inherited bool, n_distinct text, dependencies text, \
         most_common_vals _text, most_common_val_nulls _bool, most_common_freqs _float8, \
         most_common_base_freqs _float8",
        none,
    ),
];
