//! What there is nothing of: no domains, no triggers, no composite types.

use super::super::notation::{Definition, none, view};

pub(super) const TABLES: &[Definition] = &[
    view(
        13320,
        "domains",
        "domain_catalog name, domain_schema name, domain_name name, data_type varchar, \
         character_maximum_length int4, character_octet_length int4, \
         character_set_catalog name, character_set_schema name, character_set_name name, \
         collation_catalog name, collation_schema name, collation_name name, \
         numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, \
         datetime_precision int4, interval_type varchar, interval_precision int4, \
         domain_default varchar, udt_catalog name, udt_schema name, udt_name name, \
         scope_catalog name, scope_schema name, scope_name name, maximum_cardinality int4, \
         dtd_identifier name",
        none,
    ),
    view(
        13440,
        "triggers",
        "trigger_catalog name, trigger_schema name, trigger_name name, \
         event_manipulation varchar, event_object_catalog name, event_object_schema name, \
         event_object_table name, action_order int4, action_condition varchar, \
         action_statement varchar, action_orientation varchar, action_timing varchar, \
         action_reference_old_table name, action_reference_new_table name, \
         action_reference_old_row name, action_reference_new_row name, created timestamptz",
        none,
    ),
    view(
        13493,
        "element_types",
        "object_catalog name, object_schema name, object_name name, object_type varchar, \
         collection_type_identifier name, data_type varchar, \
         character_maximum_length int4, character_octet_length int4, \
         character_set_catalog name, character_set_schema name, character_set_name name, \
         collation_catalog name, collation_schema name, collation_name name, \
         numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, \
         datetime_precision int4, interval_type varchar, interval_precision int4, \
         domain_default varchar, udt_catalog name, udt_schema name, udt_name name, \
         scope_catalog name, scope_schema name, scope_name name, maximum_cardinality int4, \
         dtd_identifier name",
        none,
    ),
    view(
        13463,
        "user_defined_types",
        "user_defined_type_catalog name, user_defined_type_schema name, \
         user_defined_type_name name, user_defined_type_category varchar, \
         is_instantiable varchar, is_final varchar, ordering_form varchar, \
         ordering_category varchar, ordering_routine_catalog name, \
         ordering_routine_schema name, ordering_routine_name name, reference_type varchar, \
         data_type varchar, character_maximum_length int4, character_octet_length int4, \
         character_set_catalog name, character_set_schema name, character_set_name name, \
         collation_catalog name, collation_schema name, collation_name name, \
         numeric_precision int4, numeric_precision_radix int4, numeric_scale int4, \
         datetime_precision int4, interval_type varchar, interval_precision int4, \
         source_dtd_identifier name, ref_dtd_identifier name",
        none,
    ),
];
