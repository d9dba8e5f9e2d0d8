#pragma once

#include "intake/authentication_policy.h"
#include "mailauth/dmarc_report.h"

namespace paquebot::intake {

/// What an aggregate report tells of one message (RFC 9990), but for the number. `findings.dmarc` must be there.
mailauth::DmarcReport::Row dmarc_row_of(const Findings& findings, const Judgement& judgement);

} // namespace paquebot::intake
