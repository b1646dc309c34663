"""Headers as providers write them, of a mail from Bo to the bot. Names are made up, forms and order are not."""

OWN = "agent@sayso.example"

FROM_BO = f"""\
From: Bo Berg <bo@corp.example>
To: {OWN}
Subject: sayso-1a2b3c4d
Date: Tue, 3 Mar 2026 12:00:00 +0000
Message-ID: <b1@corp.example>
"""

GMAIL = """\
Delivered-To: agent@gmail.example
Received: by 2002:a05:6a10:1234:b0:5a2:3c4d:1 with SMTP id ab12csp345678pxb;
        Tue, 3 Mar 2026 04:00:02 -0800 (PST)
X-Google-Smtp-Source: AGHT+IE8
X-Received: by 2002:a05:6000:18a2:b0:390:e9b with SMTP id ffacd0b85a97d-39.1;
        Tue, 3 Mar 2026 04:00:02 -0800 (PST)
ARC-Seal: i=1; a=rsa-sha256; t=1772539202; cv=none; d=google.com; s=arc-20240605; b=AbC+/9==
ARC-Authentication-Results: i=1; mx.google.com;
       dkim=pass header.i=@corp.example header.s=s1 header.b="AbC+/9";
       spf=pass (google.com: domain of bo@corp.example designates 203.0.113.5 as permitted sender)
       smtp.mailfrom=bo@corp.example;
       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=corp.example
Return-Path: <bo@corp.example>
Received: from out.corp.example (out.corp.example. [203.0.113.5])
        by mx.google.com with ESMTPS id ffacd0b85a97d-39si1.2026.03.03.04.00.01
        for <agent@gmail.example>
        (version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);
        Tue, 3 Mar 2026 04:00:01 -0800 (PST)
Received-SPF: pass (google.com: domain of bo@corp.example designates 203.0.113.5 as permitted sender)
Authentication-Results: mx.google.com;
       dkim=pass header.i=@corp.example header.s=s1 header.b="AbC+/9";
       spf=pass (google.com: domain of bo@corp.example designates 203.0.113.5 as permitted sender)
       smtp.mailfrom=bo@corp.example;
       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=corp.example
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=corp.example; s=s1; h=from:to; bh=x=; b=AbC+/9==
Received: from [192.168.1.20] (unknown [198.51.100.7])
        by out.corp.example (Postfix) with ESMTPSA id 4F1 for <agent@gmail.example>; Tue, 3 Mar 2026 12:00:00 +0000
"""

MICROSOFT_OUTSIDE = """\
Received: from BY5PR04MB6789.namprd04.prod.outlook.com (2603:10b6:a03:1d0::27)
 by DS7PR06MB6790.namprd06.prod.outlook.com with HTTPS; Tue, 3 Mar 2026 12:00:05 +0000
Received: from BY5PR04CA0017.namprd04.prod.outlook.com (2603:10b6:a03:1d0::27)
 by BY5PR04MB6789.namprd04.prod.outlook.com (2603:10b6:5:2ce::8) with
 Microsoft SMTP Server (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.9769.17;
 Tue, 3 Mar 2026 12:00:04 +0000
Received: from CO1PEPF000066E8.namprd05.prod.outlook.com (2603:10b6:a03:1d0:cafe::de)
 by BY5PR04CA0017.outlook.office365.com (2603:10b6:a03:1d0::27) with Microsoft SMTP Server
 (version=TLS1_3, cipher=TLS_AES_256_GCM_SHA384) id 15.20.9745.29 via Frontend Transport;
 Tue, 3 Mar 2026 12:00:03 +0000
Authentication-Results: spf=pass (sender IP is 203.0.113.5)
 smtp.mailfrom=corp.example; dkim=pass (signature was verified)
 header.d=corp.example;dmarc=pass action=none
 header.from=corp.example;compauth=pass reason=100
Received-SPF: Pass (protection.outlook.com: domain of corp.example designates 203.0.113.5 as permitted sender)
 receiver=protection.outlook.com; client-ip=203.0.113.5; helo=out.corp.example; pr=C
Received: from out.corp.example (203.0.113.5) by
 CO1PEPF000066E8.mail.protection.outlook.com (10.167.249.6) with Microsoft SMTP Server
 (version=TLS1_3, cipher=TLS_AES_256_GCM_SHA384) id 15.20.9769.17 via Frontend Transport;
 Tue, 3 Mar 2026 12:00:02 +0000
X-MS-Exchange-Organization-AuthSource: CO1PEPF000066E8.namprd05.prod.outlook.com
X-MS-Exchange-Organization-AuthAs: Anonymous
"""

MICROSOFT_INSIDE = """\
Received: from AM0PR04MB1111.eurprd04.prod.outlook.com (2603:10a6:208:1::11)
 by AM0PR04MB2222.eurprd04.prod.outlook.com with HTTPS; Tue, 3 Mar 2026 12:00:03 +0000
Received: from AM0PR04MB3333.eurprd04.prod.outlook.com (2603:10a6:208:1::33)
 by AM0PR04MB1111.eurprd04.prod.outlook.com (2603:10a6:208:1::11) with Microsoft SMTP Server
 (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.9769.17; Tue, 3 Mar 2026 12:00:02 +0000
Received: from AM0PR04MB3333.eurprd04.prod.outlook.com ([fe80::1])
 by AM0PR04MB3333.eurprd04.prod.outlook.com ([fe80::1%4]) with mapi id 15.20.9769.017;
 Tue, 3 Mar 2026 12:00:01 +0000
X-MS-Exchange-Organization-AuthAs: Internal
X-MS-Exchange-Organization-AuthMechanism: 04
X-MS-Exchange-Organization-AuthSource: AM0PR04MB3333.eurprd04.prod.outlook.com
"""

FASTMAIL = """\
Return-Path: <bo@corp.example>
Received: from phl-compute-03.internal (phl-compute-03.phl.internal [10.202.2.43])
\t by phl-store-05.phl.internal (Cyrus 3.13) with LMTPA; Tue, 03 Mar 2026 07:00:02 -0500
X-Cyrus-Session-Id: cyrus-1
Received: from phl-mx-04 ([10.202.2.203])
  by phl-compute-03.internal (LMTPProxy); Tue, 03 Mar 2026 07:00:02 -0500
Authentication-Results: phl-mx-04.messagingengine.com;
    arc=none (no signatures found);
    bimi=skipped (DMARC Policy is not at enforcement);
    dkim=pass (2048-bit rsa key sha256) header.d=corp.example header.i=@corp.example header.b=AbC19x
    header.a=rsa-sha256 header.s=s1 x-bits=2048;
    dmarc=pass policy.published-domain-policy=none policy.applied-disposition=none
    (p=none,d=none,d.eval=none) policy.policy-from=p header.from=corp.example;
    iprev=pass smtp.remote-ip=203.0.113.5 (out.corp.example);
    spf=pass smtp.mailfrom=bo@corp.example smtp.helo=out.corp.example;
    x-tls=pass smtp.version=TLSv1.3 smtp.cipher=TLS_AES_256_GCM_SHA384 smtp.bits=256/256
Received: from out.corp.example (out.corp.example [203.0.113.5])
    (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))
    by phl-mx-04.messagingengine.com (Postfix) with ESMTPS id 11 for <agent@sayso.example>;
    Tue, 03 Mar 2026 07:00:01 -0500
"""

OPENDMARC = """\
Return-Path: <bo@corp.example>
Delivered-To: agent@sayso.example
Received: from mail.sayso.example
\tby mail.sayso.example with LMTP id cGFzc3dvcmQ for <agent@sayso.example>; Tue, 03 Mar 2026 12:00:02 +0000
Authentication-Results: mail.sayso.example; dmarc=pass (p=none dis=none) header.from=corp.example
Authentication-Results: mail.sayso.example;
\tdkim=pass (2048-bit key; unprotected) header.d=corp.example header.i=@corp.example header.a=rsa-sha256
\theader.s=s1 header.b=AbC19x; dkim-atps=neutral
Received: from out.corp.example (out.corp.example [203.0.113.5])
\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))
\tby mail.sayso.example (Postfix) with ESMTPS id 4F2 for <agent@sayso.example>; Tue, 03 Mar 2026 12:00:01 +0000
"""

SUBMISSION = """\
Return-Path: <bo@corp.example>
Delivered-To: agent@corp.example
Received: from mail.corp.example by mail.corp.example with LMTP id x1 for <agent@corp.example>;
\tTue, 03 Mar 2026 12:00:02 +0000
Authentication-Results: mail.corp.example; auth=pass smtp.auth=bo@corp.example smtp.mailfrom=bo@corp.example
Received: from [192.168.1.20] (unknown [198.51.100.7])
\t(Authenticated sender: bo@corp.example)
\tby mail.corp.example (Postfix) with ESMTPSA id 4F3 for <agent@corp.example>; Tue, 03 Mar 2026 12:00:01 +0000
"""

GATEWAY = """\
Return-Path: <bo@corp.example>
Received: from mail.sayso.example by mail.sayso.example with LMTP id x1; Tue, 03 Mar 2026 12:00:03 +0000
Received: from gw3.filter.example (gw3.filter.example [192.0.2.33])
\tby mail.sayso.example (Postfix) with ESMTPS id 4F4 for <agent@sayso.example>; Tue, 03 Mar 2026 12:00:02 +0000
Authentication-Results: gw.filter.example; spf=pass smtp.mailfrom=bo@corp.example;
\tdkim=pass header.d=corp.example; dmarc=pass header.from=corp.example
Received: from out.corp.example (out.corp.example [203.0.113.5])
\tby gw3.filter.example with ESMTPS id 99; Tue, 03 Mar 2026 12:00:01 +0000
"""

PLAIN = """\
Return-Path: <bo@corp.example>
Received: from mail.sayso.example by mail.sayso.example with LMTP id x1; Tue, 03 Mar 2026 12:00:03 +0000
Received: from out.corp.example (out.corp.example [203.0.113.5])
\tby mail.sayso.example (Postfix) with ESMTPS id 4F5 for <agent@sayso.example>; Tue, 03 Mar 2026 12:00:02 +0000
"""


_EXCHANGE_ONLINE = """\
Received: from AM0PR04MB1111.eurprd04.prod.outlook.com (2603:10a6:208:1::11)
 by AM0PR04MB2222.eurprd04.prod.outlook.com with HTTPS; Tue, 3 Mar 2026 12:00:06 +0000
Received: from DB9PR01CA0007.eurprd01.prod.exchangelabs.com (2603:10a6:10:1d8::12)
 by AM0PR04MB1111.eurprd04.prod.outlook.com (2603:10a6:208:1::11) with Microsoft SMTP Server
 (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.9769.17; Tue, 3 Mar 2026 12:00:05 +0000
Received: from DB5PEPF00014B9D.eurprd02.prod.outlook.com (2603:10a6:10:1d8:cafe::2f)
 by DB9PR01CA0007.outlook.office365.com (2603:10a6:10:1d8::12) with Microsoft SMTP Server
 (version=TLS1_3, cipher=TLS_AES_256_GCM_SHA384) id 15.20.9745.29 via Frontend Transport;
 Tue, 3 Mar 2026 12:00:04 +0000
"""
_DOOR = """\
Received: from {} by
 DB5PEPF00014B9D.mail.protection.outlook.com (10.167.8.164) with Microsoft SMTP Server
 (version=TLS1_3, cipher=TLS_AES_256_GCM_SHA384) id 15.20.9769.17 via Frontend Transport;
 Tue, 3 Mar 2026 12:00:03 +0000
"""
_SAYS = """\
Authentication-Results: {}; dkim={} (signature was verified)
 header.d=corp.example;dmarc={} action=none header.from=corp.example;compauth=pass reason=100
"""
_OUTSIDE = """\
Received: from out.corp.example (out.corp.example [203.0.113.5])
\tby {} with ESMTPS id 3xk; Tue, 03 Mar 2026 12:00:01 +0000
"""
_BY_PROOFPOINT = "mx0a-0012ab01.pphosted.com (mx0a-0012ab01.pphosted.com [148.163.150.1])"
_FAILS = "spf=softfail (sender IP is 148.163.150.1) smtp.mailfrom=corp.example"

PROOFPOINT = (
    _EXCHANGE_ONLINE
    + _SAYS.format(_FAILS, "fail", "fail")
    + _DOOR.format(_BY_PROOFPOINT)
    + _OUTSIDE.format("mx0a-0012ab01.pphosted.com (8.18.1.2/8.18.1.2)")
)
"""A filter is the MX, and has rewritten the links in the mail: neither SPF nor DKIM passes."""

PROOFPOINT_SKIPPED = (
    _EXCHANGE_ONLINE
    + _SAYS.format("spf=pass (sender IP is 203.0.113.5) smtp.mailfrom=corp.example", "pass", "pass")
    + _DOOR.format(_BY_PROOFPOINT)
    + _OUTSIDE.format("mx0a-0012ab01.pphosted.com (8.18.1.2/8.18.1.2)")
)
"""The same with enhanced filtering for connectors: Microsoft looks at who gave the mail to the filter."""

MIMECAST_AS_INTERNAL = (
    _EXCHANGE_ONLINE
    + _DOOR.format("eu-smtp-delivery-1.mimecast.com (185.58.86.1)")
    + "X-MS-Exchange-Organization-AuthAs: Internal\n"
    + "X-MS-Exchange-Organization-AuthSource: DB5PEPF00014B9D.eurprd02.prod.outlook.com\n"
    + _OUTSIDE.format("eu-smtp-inbound-1.mimecast.com")
)
"""A filter is the MX, and a connector has all that comes from it treated as internal."""

HYBRID_IN_FRONT = (
    _EXCHANGE_ONLINE
    + _SAYS.format("spf=fail (sender IP is 198.51.100.20) smtp.mailfrom=corp.example", "pass", "pass")
    + _DOOR.format("mail.sayso.example (198.51.100.20)")
    + "X-MS-Exchange-Organization-AuthAs: Anonymous\n"
    + "X-MS-Exchange-Organization-AuthSource: ex1.sayso.example\n"
    + """\
Received: from ex1.sayso.example (10.1.1.5) by ex1.sayso.example (10.1.1.5) with Microsoft SMTP Server
 (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.2.1544.11; Tue, 3 Mar 2026 13:00:02 +0100
Received: from out.corp.example (203.0.113.5) by ex1.sayso.example (10.1.1.5) with Microsoft SMTP Server
 id 15.2.1544.11 via Frontend Transport; Tue, 3 Mar 2026 13:00:02 +0100
"""
)
"""The MX is an Exchange of one's own, which hands mail on to Exchange Online: SPF fails there, DKIM passes."""

HYBRID_COLLEAGUE = (
    _EXCHANGE_ONLINE
    + _DOOR.format("mail.corp.example (198.51.100.20)")
    + "X-MS-Exchange-Organization-AuthAs: Internal\n"
    + "X-MS-Exchange-Organization-AuthSource: ex1.corp.example\n"
    + """\
Received: from ex1.corp.example (10.1.1.5) by ex1.corp.example (10.1.1.5) with Microsoft SMTP Server
 id 15.2.1544.11; Tue, 3 Mar 2026 13:00:02 +0100
Received: from ex1.corp.example ([fe80::1]) by ex1.corp.example ([fe80::1%3]) with mapi id 15.02.1544.011;
 Tue, 3 Mar 2026 13:00:02 +0100
"""
)
"""A colleague whose mailbox is at one's own Exchange, to one in Exchange Online."""

HYBRID_BEHIND = (
    """\
Received: from ex1.corp.example (10.1.1.5) by ex1.corp.example (10.1.1.5) with Microsoft SMTP Server
 id 15.2.1544.11 via Mailbox Transport; Tue, 3 Mar 2026 13:00:07 +0100
Received: from EUR05-DB8-obe.outbound.protection.outlook.com (104.47.17.104) by ex1.corp.example (10.1.1.5)
 with Microsoft SMTP Server id 15.2.1544.11 via Frontend Transport; Tue, 3 Mar 2026 13:00:06 +0100
"""
    + PROOFPOINT_SKIPPED
)
"""Exchange Online is the MX, and hands mail on to an Exchange of one's own, which holds the mailbox."""


def sent_by_bo(above: str = "", below: str = "", head: str = FROM_BO) -> bytes:
    """The mail with what servers wrote `above` it, and fields that its sender wrote `below` theirs."""
    return f"{above}{below}{head}\nhello\n".replace("\n", "\r\n").encode()
