"""What an estimate looks like: a real answer over the price list of August 2026, kept by a test."""

from __future__ import annotations

from typing import Any

ESTIMATE: dict[str, Any] = {
    "deployment_type": "GlobalStandard",
    "region": "swedencentral",
    "results": [
        {
            "model": "gpt-5",
            "estimate": {
                "currency": "USD",
                "converted": True,
                "prices": [
                    {
                        "token_class": "input",
                        "tokens": 1500,
                        "meter_id": "10e13d44-4536-5aa7-83b2-7b40cc799e99",
                        "meter_name": "GPT 5 Inpt Glbl 1M Tokens",
                        "product": "Azure OpenAI GPT5",
                        "region": "swedencentral",
                        "unit_price": "0.00000125",
                        "list_unit_price": "0.00000125",
                        "since": "2025-08-01T00:00:00Z",
                        "sheet": "",
                    },
                    {
                        "token_class": "cached_input",
                        "tokens": 500,
                        "meter_id": "c58275be-b3c0-5493-af04-dc24246a9dc1",
                        "meter_name": "GPT 5 cchd Inpt Glbl 1M Tokens",
                        "product": "Azure OpenAI GPT5",
                        "region": "swedencentral",
                        "unit_price": "0.000000125",
                        "list_unit_price": "0.000000125",
                        "since": "2025-08-01T00:00:00Z",
                        "sheet": "",
                    },
                    {
                        "token_class": "output",
                        "tokens": 400,
                        "meter_id": "49fbbf9c-0524-5c50-a610-8cce6280a04b",
                        "meter_name": "GPT 5 outpt Glbl 1M Tokens",
                        "product": "Azure OpenAI GPT5",
                        "region": "swedencentral",
                        "unit_price": "0.00001",
                        "list_unit_price": "0.00001",
                        "since": "2025-08-01T00:00:00Z",
                        "sheet": "",
                    },
                ],
                "months": [
                    {
                        "month": "2026-12",
                        "calls": "1000000",
                        "cost": "5937.5",
                        "classes": [
                            {"token_class": "input", "quantity": "1500000000", "cost": "1875"},
                            {
                                "token_class": "cached_input",
                                "quantity": "500000000",
                                "cost": "62.5",
                            },
                            {"token_class": "output", "quantity": "400000000", "cost": "4000"},
                        ],
                    }
                ],
                "total": "5937.5",
                "list_total": "5937.5",
                "notes": [],
                "provisioned": {
                    "missing": "",
                    "figures_from": "Microsoft's documentation, 21 May 2026",
                    "input_tpm": "4750",
                    "output_weight": "8",
                    "minimum_units": 15,
                    "unit_increment": 5,
                    "ways": [
                        {
                            "paid": "by the hour",
                            "unit_price": "1",
                            "per": "hour",
                            "absent": "",
                            "meter_id": "7b26d6a2-b5cc-5fd1-83dc-475ae026d77a",
                            "meter_name": "Provisioned Managed Global Unit",
                            "since": "2024-11-01T00:00:00Z",
                            "sheet": "",
                            "units": [25],
                            "months": ["18600"],
                            "total": "18600",
                            "break_even": None,
                        },
                        {
                            "paid": "reserved for 1 month",
                            "unit_price": "260",
                            "per": "month",
                            "absent": "",
                            "meter_id": "7b26d6a2-b5cc-5fd1-83dc-475ae026d77a",
                            "meter_name": "Provisioned Managed Global Unit",
                            "since": "2024-12-04T00:00:00Z",
                            "sheet": "",
                            "units": [25],
                            "months": ["6500"],
                            "total": "6500",
                            "break_even": {
                                "calls": 656843,
                                "units": 15,
                                "most_calls": 663989,
                                "used": "0.989237",
                            },
                        },
                        {
                            "paid": "reserved for 1 year",
                            "unit_price": "2652",
                            "per": "year",
                            "absent": "",
                            "meter_id": "7b26d6a2-b5cc-5fd1-83dc-475ae026d77a",
                            "meter_name": "Provisioned Managed Global Unit",
                            "since": "2024-12-04T00:00:00Z",
                            "sheet": "",
                            "units": [25],
                            "months": ["5525"],
                            "total": "5525",
                            "break_even": {
                                "calls": 558316,
                                "units": 15,
                                "most_calls": 663989,
                                "used": "0.840851",
                            },
                        },
                    ],
                },
            },
            "refused": None,
        }
    ],
}
