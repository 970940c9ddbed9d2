#include "textflag.h"

// Go's assembler has no names for these instructions on four floats; the
// numbers are of the vector registers: destination, first, second operand.
#define FADD4(d, n, m) WORD $(0x4E20D400 | (m)<<16 | (n)<<5 | (d))
#define FMUL4(d, n, m) WORD $(0x6E20DC00 | (m)<<16 | (n)<<5 | (d))

// func axpyVector(dst, x *float32, n int, w float32)
TEXT ·axpyVector(SB), NOSPLIT, $0-28
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	MOVW w+24(FP), R3
	VDUP R3, V0.S4

next:
	VLD1.P 16(R1), [V1.S4]
	VLD1   (R0), [V2.S4]
	FMUL4(1, 1, 0)
	FADD4(2, 2, 1)
	VST1.P [V2.S4], 16(R0)
	SUB    $4, R2
	CBNZ   R2, next
	RET

// func affineVector(dst *float32, n int, scale, offset float32)
TEXT ·affineVector(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD n+8(FP), R2
	MOVW scale+16(FP), R3
	MOVW offset+20(FP), R4
	VDUP R3, V0.S4
	VDUP R4, V1.S4

next:
	VLD1   (R0), [V2.S4]
	FMUL4(2, 2, 0)
	FADD4(2, 2, 1)
	VST1.P [V2.S4], 16(R0)
	SUB    $4, R2
	CBNZ   R2, next
	RET
